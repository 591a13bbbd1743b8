import pytest

from reporting.text_table import TextTable

MADE = TextTable(
    "Rows & columns",
    {"run": False, "median radius": True},
    [["a_b|c", "10.0%"], ["~^\\ #{}$", "-"]],
    ["Counted in full.", "Never folded"],
)


def test_markdown():
    assert MADE.markdown().splitlines() == [
        "| run | median radius |",
        "| --- | ---: |",
        "| a_b\\|c | 10.0% |",
        "| ~^\\ #{}$ | - |",
        "",
        "Counted in full.",
        "",
        "Never folded",
    ]


def test_latex_has_rules_of_booktabs_and_no_sign_of_its_own_left():
    lines = MADE.latex().splitlines()
    assert lines[0] == "% \\usepackage{booktabs}"
    assert lines[1:] == [
        "\\begin{table}",
        "  \\centering",
        "  \\caption{Rows \\& columns. Counted in full. Never folded.}",
        "  \\begin{tabular}{lr}",
        "    \\toprule",
        "    run & median radius \\\\",
        "    \\midrule",
        "    a\\_b\\textbar{}c & 10.0\\% \\\\",
        "    \\textasciitilde{}\\textasciicircum{}\\textbackslash{} \\#\\{\\}\\$ & - \\\\",
        "    \\bottomrule",
        "  \\end{tabular}",
        "\\end{table}",
    ]


def test_the_screen_folds_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    long = "x" * 300
    TextTable("Title", {"run": False, "median radius": True}, [[long, "10.0%"]], ["A note."]).show()
    printed = capsys.readouterr().out
    assert printed.startswith("Title")
    assert printed.endswith("A note.\n")
    assert f"{long}   10.0%" in printed
    assert any(line.split() == ["run", "radius"] for line in printed.splitlines())
