"""Tables for readers: printed, in Markdown and in LaTeX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

NOTHING = "-"
"""Text of a cell without a value."""

_WIDE = 10_000

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
    """A table of formatted cells.

    Attributes:
        title: Title.
        columns: Whether each column has numbers, by name of the column.
        rows: Cells in the order of the columns.
        notes: Notes on the numbers, for readers.
    """

    title: str
    columns: Mapping[str, bool]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def show(self) -> None:
        """Print the table. Lines are never wrapped, whatever the width of the terminal."""
        grid = Grid(title=self.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        for name, numeric in self.columns.items():
            grid.add_column(name.replace(" ", "\n"), justify="right" if numeric else "left", no_wrap=True)
        for row in self.rows:
            grid.add_row(*(Text(cell) for cell in row))
        Console(width=_WIDE, highlight=False).print(grid)
        for note in self.notes:
            print(note)

    def markdown(self) -> str:
        """Return the table and its notes in Markdown, without the title."""
        rule = ["---:" if numeric else "---" for numeric in self.columns.values()]
        lines = [list(self.columns), rule, *self.rows]
        cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
        return "\n\n".join(["\n".join(f"| {' | '.join(line)} |" for line in cells), *self.notes])

    def latex(self) -> str:
        """Return a LaTeX ``table`` with rules of the package booktabs. The caption consists of title and notes."""
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
