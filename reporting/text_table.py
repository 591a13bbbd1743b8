"""A table for readers: on the screen, in Markdown and in LaTeX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

NOTHING = "-"
"""Stands where there is no value."""

_UNFOLDED = 10_000

_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
)


@dataclass(frozen=True)
class TextTable:
    """Cells as readers see them.

    Attributes:
        title: What the table shows.
        columns: Names, and whether they hold numbers.
        rows: Cells in the order of the columns.
        notes: What a reader must know about the numbers.
    """

    title: str
    columns: Mapping[str, bool]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def show(self) -> None:
        """Print it. Lines are never folded, whatever the width of the terminal."""
        grid = Grid(title=self.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        for name, numeric in self.columns.items():
            grid.add_column(name.replace(" ", "\n"), justify="right" if numeric else "left", no_wrap=True)
        for row in self.rows:
            grid.add_row(*(Text(cell) for cell in row))
        Console(width=_UNFOLDED, highlight=False).print(grid)
        for note in self.notes:
            print(note)

    def markdown(self) -> str:
        """The table and its notes; the title is left to a heading."""
        rule = ["---:" if numeric else "---" for numeric in self.columns.values()]
        lines = [list(self.columns), rule, *self.rows]
        cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
        return "\n\n".join(["\n".join(f"| {' | '.join(line)} |" for line in cells), *self.notes])

    def latex(self) -> str:
        """A ``table`` with rules of the package booktabs; title and notes make the caption."""
        kinds = "".join("r" if numeric else "l" for numeric in self.columns.values())
        caption = " ".join(f"{part.rstrip('.')}." for part in (self.title, *self.notes))
        return "\n".join(
            [
                "% \\usepackage{booktabs}",
                "\\begin{table}",
                "  \\centering",
                f"  \\caption{{{caption.translate(_LATEX)}}}",
                f"  \\begin{{tabular}}{{{kinds}}}",
                "    \\toprule",
                _latex_row(list(self.columns)),
                "    \\midrule",
                *map(_latex_row, self.rows),
                "    \\bottomrule",
                "  \\end{tabular}",
                "\\end{table}",
                "",
            ]
        )


def _latex_row(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cell.translate(_LATEX) for cell in cells)} \\\\"
