"""Tables for readers: printed, in Markdown and in LaTeX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

NOTHING = "-"
"""Text of a cell without a value."""

COLUMNS = 80
"""Largest width of printed tables in characters."""

KEYS = 2
"""Largest number of first columns that every printed part of a wide table repeats."""

GAP = 2
"""Characters between two columns."""

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
        """Print the table at most `COLUMNS` characters wide.

        A wider table is printed in parts, which repeat its first columns. Only texts that leave no room are folded.
        """
        console = Console(width=COLUMNS, highlight=False)
        for number, places in enumerate(self._parts()):
            title = None if number else self.title
            grid = Grid(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
            for place in places:
                name, numeric = list(self.columns.items())[place]
                justify: Literal["left", "right"] = "right" if numeric else "left"
                grid.add_column(name.replace(" ", "\n"), justify=justify, no_wrap=numeric, overflow="fold")
            for row in self.rows:
                grid.add_row(*(Text(row[place]) for place in places))
            console.print(grid)
        for note in self.notes:
            print(note)

    def _parts(self) -> list[list[int]]:
        """Return the positions of the columns of each printed part."""
        numeric = list(self.columns.values())
        keys = list(range(min(KEYS, numeric.index(True) if True in numeric else 1)))
        widths = [
            max(map(cell_len, (*name.split(" "), *(row[place] for row in self.rows)))) + GAP
            for place, name in enumerate(self.columns)
        ]
        room = COLUMNS - sum(widths[key] for key in keys)
        parts: list[list[int]] = [[]]
        for place in range(len(keys), len(numeric)):
            if parts[-1] and sum(widths[other] for other in (*parts[-1], place)) > room:
                parts.append([])
            parts[-1].append(place)
        return [[*keys, *part] for part in parts]

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
