"""Fills the tables of README.md in the same folder: ``python -m results.mnist17.make [RUNS]``, in the root.

The table of `choose.sh` needs marks named ``choice`` and is filled if its runs exist.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from results.pages import accuracy, fill, markdown

FLIPS = (1, 10, 100, 500, 1000, 1500, 2000)

PUBLISHED = {
    "0.3": (0.9399, 0.9320, 0.8918, 0.7470, 0.5726, 0.4681, 0.4089),
    "0.4": (0.8659, 0.8571, 0.8248, 0.7152, 0.6283, 0.5566, 0.5072),
    "0.45": (0.7855, 0.7767, 0.7540, 0.7004, 0.6556, 0.6218, 0.5950),
    "0.475": (0.7294, 0.7262, 0.7118, 0.6873, 0.6674, 0.6503, 0.6378),
}
"""Certified accuracy at `FLIPS` by q (Rosenfeld et al. 2020, Table 1)."""

CERTIFIERS = {
    "chernoff_kl": "Chernoff + KL",
    "chernoff_tight": "Chernoff + tight",
    "berry_esseen_tight": "Berry-Esseen + tight",
    "exact": "exact",
}

PAIRS = ("02", "34", "56", "89")


def by_q(runs: Path, name: str) -> str:
    """Return one table per q: published figures first, then every certifier."""
    parts = []
    for q, published in PUBLISHED.items():
        ours = accuracy(runs / f"{name}_q{q}", FLIPS)
        rows = [("published", *published), *((text, *ours[key]) for key, text in CERTIFIERS.items())]
        parts.append(markdown((f"q = {q}", *FLIPS), rows))
    return "\n\n".join(parts)


def best(runs: Path, name: str, flips: Sequence[int]) -> str:
    """Return the certified accuracy of every certifier."""
    ours = accuracy(runs / name, flips)
    return markdown(("flips", *flips), ((text, *ours[key]) for key, text in CERTIFIERS.items()))


def kernels(runs: Path) -> str:
    """Return the exact certified accuracy of votes on the ones and sevens among the first 20,000 images."""
    flips = (1, 50, 100, 200, 300, 400, 1000, 1500)
    votes = {
        "mnist17_ntk": "neural tangent kernel, pixels",
        "mnist17_ridge_pixels": "ridge, pixels",
        "mnist17_ntk_features": "neural tangent kernel, 50 features",
        "mnist17_ridge_same_images": "ridge with the best settings, 50 features",
    }
    rows = ((text, *accuracy(runs / name, flips)["exact"]) for name, text in votes.items())
    return markdown(("exact", *flips), rows)


def kernel_choice(runs: Path) -> str:
    """Return the exact certified accuracy of the neural tangent kernel on pairs of other digits, by factor."""
    flips, factors = (0, 50, 100), (1, 10, 100, 1000, 10000)
    rows = []
    for pair in PAIRS:
        for factor in factors:
            rows.append(
                [f"{pair[0]} against {pair[1]}, {factor}", *accuracy(runs / f"{pair}_{factor}", flips)["exact"]]
            )
    return markdown(("pair and factor", *flips), rows)


def choice(runs: Path) -> str:
    """Return the exact certified accuracy on pairs of other digits, by recipe."""
    columns = {"ridge_all_axes": 2000, "ridge_two_axes": 2000, "clusters": 5000}
    rows = []
    for recipe in sorted(runs.iterdir()):
        for pair in PAIRS:
            values = [accuracy(recipe / pair / vote, [r])["exact"][0] for vote, r in columns.items()]
            rows.append([f"{recipe.name}, {pair[0]} against {pair[1]}", *values])
    return markdown(("encoder and pair", *(f"{vote}, {r} flips" for vote, r in columns.items())), rows)


def main(runs: Path) -> None:
    """Replace the blocks between the marks of README.md."""
    blocks = {
        "paper": by_q(runs, "mnist17"),
        "label-free": by_q(runs, "mnist17_label_free"),
        "ridge": best(runs, "mnist17_best_ridge", (1, 100, 1000, 2000, 3000, 4000, 5000)),
        "clusters": best(runs, "mnist17_clusters", (1, 1000, 2000, 3000, 5000, 6000, 6200, 6300)),
        "kernels": kernels(runs),
        "kernel-choice": kernel_choice(runs / "choose_ntk"),
    }
    if (runs / "choose").is_dir():
        blocks["choice"] = choice(runs / "choose")
    fill(Path(__file__).with_name("README.md"), blocks)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
