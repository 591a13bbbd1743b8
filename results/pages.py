"""Functions for the pages of results: certified accuracy of finished runs, tables, and marked blocks."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from smoothing.certificates import Table, certified_curve
from smoothing.runs.provenance import read_distance


def accuracy(run: Path, radii: Sequence[float]) -> dict[str, list[float]]:
    """Return the certified accuracy of a finished run at some radii, by certifier."""
    table = Table.read_csv(run / "certificates.csv")
    curve = certified_curve(table, read_distance(run / "provenance.json"), radii)
    return {name: values.tolist() for name, values in curve.accuracy.items()}


def markdown(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table. Floats are fractions and are formatted in percent."""
    head = [str(cell) for cell in header]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    lines += [[f"{cell:.1%}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fill(readme: Path, blocks: Mapping[str, str]) -> None:
    """Replace the blocks between the marks of a page.

    Raises:
        ValueError: If the page has no marks for a block.
    """
    text = readme.read_text(encoding="utf-8")
    for name, block in blocks.items():
        head, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- end of {name} -->")
        if not end:
            raise ValueError(f"{readme}: no marks for {name}; must contain <!-- {name} --> and <!-- end of {name} -->")
        text = f"{head}{start}{block}\n{end}{tail}"
    readme.write_text(text, encoding="utf-8")
