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


def test_a_wide_table_is_printed_in_parts_of_80_columns(capsys: pytest.CaptureFixture[str]):
    columns = {"run": False, "certifier": False, "kind": False, **{f"at {radius}": True for radius in range(30)}}
    row = ["mnist", "exact", "mean", *(f"{number}.0%" for number in range(30))]
    TextTable("Title", columns, [row], ["A note."]).show()
    printed = capsys.readouterr().out
    assert printed.startswith("Title")
    assert printed.count("Title") == 1
    assert printed.endswith("A note.\n")
    assert max(map(len, printed.splitlines())) <= 80
    lines = [line.split() for line in printed.splitlines() if line.strip().startswith("mnist")]
    assert [cell for line in lines for cell in line[2:]] == row[2:]
    assert all(line[:2] == row[:2] for line in lines)


def test_long_texts_are_folded_and_not_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    TextTable("Title", {"run": False, "median radius": True}, [["x" * 300, "10.0%"]], ["A note."]).show()
    printed = capsys.readouterr().out
    assert printed.count("x") == 300
    assert "10.0%" in printed
    assert max(map(len, printed.splitlines())) <= 80
