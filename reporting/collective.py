"""Collective certificates as a table for readers."""

from collections.abc import Mapping

from reporting.text_table import TextTable
from smoothing.certificates.curves import UPPER_BOUND
from smoothing.collective.table import MEANING, CollectiveTable

ATTACKED = (
    "Rows with an upper bound are attacks: B(r) is the number of answers that the attack changes. "
    "The truth lies between."
)
"""What rows of attacks mean, for readers."""


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
            row.certifier + UPPER_BOUND * (row.certifier in table.attacks),
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
    notes = (MEANING, ATTACKED) if any(table.attacks for table in runs.values()) else (MEANING,)
    return TextTable("Collective certificates: one attacker, r changes in total", columns, rows, notes)
