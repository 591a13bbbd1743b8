"""Names and values side by side, as plain text."""

import textwrap
from collections.abc import Mapping

WIDTH = 80
"""Largest number of columns. Words that are longer are not broken."""


def columns(rows: Mapping[str, str], margin: str = "") -> str:
    """Return names and values side by side; values wrap in their column.

    Args:
        rows: Values by name, at least one.
        margin: Text before each line.
    """
    width = len(margin) + max(len(name) for name in rows) + 2
    lines = []
    for name, value in rows.items():
        first = f"{margin}{name}".ljust(width)
        lines += textwrap.wrap(
            value,
            WIDTH,
            initial_indent=first,
            subsequent_indent=" " * width,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [first.rstrip()]
    return "\n".join(lines)
