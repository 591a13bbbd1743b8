"""Collective certificates as a table for readers."""

from collections.abc import Mapping

from reporting.text_table import TextTable
from smoothing.collective.table import MEANING, CollectiveTable


def collective_table(runs: Mapping[str, CollectiveTable]) -> TextTable | None:
    """Return the collective certificates of some runs as a table; None if there are none.

    Args:
        runs: Collective certificates by name of the run.
    """
    columns = {"run": False, "certifier": False, "counted": False}
    columns |= dict.fromkeys(("answers", "changes", "B(r)", "together", "one by one"), True)
    rows = [
        [
            name,
            row.certifier,
            row.counted,
            str(row.number),
            str(row.budget),
            str(row.bound),
            f"{row.certified:.1%}",
            f"{row.pointwise:.1%}",
        ]
        for name, table in runs.items()
        for row in table.rows
    ]
    if not rows:
        return None
    return TextTable("Collective certificates: one attacker, r changes in total", columns, rows, (MEANING,))
