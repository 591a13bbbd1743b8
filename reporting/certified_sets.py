"""Table and figure of certified sets: accuracy, coverage and mean size by budget."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from reporting.comparison import Run, round_radii
from reporting.styles import COLOURS
from reporting.text_table import TextTable
from smoothing.certificates.set_curves import SetCurve, set_curve

NOTES = (
    "A certified set contains every answer that an attack with the budget can cause. Coverage is the fraction of all "
    "requested examples with the true class in the set.",
)
"""Notes on the numbers, for readers."""


def set_table(run: Run) -> TextTable:
    """Return certified accuracy, coverage and mean set size at a few round budgets, for readers.

    Args:
        run: A run with certified sets; see `has_sets`.
    """
    budgets = [0.0, *round_radii({"": run}, run.distance)]
    sets, accuracy = set_curve(run.table, run.distance, budgets), run.curve(budgets).accuracy
    rows = [
        [name, f"{budget:g}", f"{accuracy[name][place]:.1%}", f"{covered[place]:.1%}", f"{sets.size[name][place]:.2f}"]
        for name, covered in sets.coverage.items()
        for place, budget in enumerate(sets.budgets)
    ]
    columns = {"certifier": False, "budget": True, "certified accuracy": True, "coverage": True, "mean size": True}
    return TextTable("Certified sets", columns, rows, NOTES)


def draw_sets(run: Run, path: str | Path, title: str = "") -> SetCurve:
    """Draw certified accuracy and coverage by budget, and below them the mean set size, to a file.

    Args:
        run: A run with certified sets.
        path: File to write. The suffix selects the format.
        title: Title of the figure.

    Returns:
        The curve, with the budgets of certified accuracy.
    """
    sets, accuracy = set_curve(run.table, run.distance), run.curve().accuracy
    made = Figure(figsize=(6.4, 5.6), layout="constrained")
    shares, sizes = made.subplots(2, sharex=True)
    for place, name in enumerate(sets.coverage):
        colour, budgets = COLOURS[place % len(COLOURS)], sets.budgets
        # Certified accuracy falls, coverage and size rise with the budget: between two points the worse value is shown.
        shares.step(budgets, accuracy[name], where="pre", color=colour, label=f"{name}: certified accuracy")
        shares.step(budgets, sets.coverage[name], where="post", color=colour, dashes=(1, 1), label=f"{name}: coverage")
        sizes.step(budgets, sets.size[name], where="pre", color=colour, label=name)
    shares.set_ylim(0, 1.02)
    shares.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    shares.legend(loc="best", frameon=False, fontsize="small")
    # Dollar signs would begin a formula.
    shares.set_title(title.replace("$", r"\$"), fontsize="medium", wrap=True)
    sizes.set_ylabel("mean set size")
    sizes.set_ylim(bottom=0)
    sizes.set_xlabel(f"budget ({run.distance.unit})")
    sizes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=run.distance.integer))
    for axes in (shares, sizes):
        axes.grid(color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    made.savefig(path, dpi=200)
    return sets
