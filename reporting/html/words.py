"""What certificates assume, in sentences."""

from smoothing.certificates.curves import is_attack
from smoothing.certificates.table import Table
from smoothing.distance import Distance

CLASSIFIERS = {
    "mean": "The certified classifier is the mean vote: it predicts the class with the largest expected score.",
    "majority": "The certified classifier is the majority vote: it predicts the class that wins most often.",
    "run-off": "The certified classifier is the run-off between the two classes with most votes.",
}


def meaning(distance: Distance) -> str:
    """Return the meaning of a radius as a sentence."""
    bound = "smaller than r" if distance.strict else "of at most r"
    return f"A radius r in the {distance.norm} distance ({distance.unit}): no change {bound} alters the prediction."


def assumptions(table: Table) -> dict[str, list[str]]:
    """Return sentences about the conditions of the certificates, by certifier."""
    return {certifier: _sentences(table.of(certifier)) for certifier in table.certifiers}


def _sentences(part: Table) -> list[str]:
    if is_attack(part):
        return ["This is an attack. Its radii are upper bounds on every certificate, and certify nothing."]
    said = [CLASSIFIERS[classifier] for classifier in dict.fromkeys(part["classifier"])]
    if part["deterministic"].all():
        said.append("Every certificate holds with probability one.")
    else:
        alphas = sorted(set(part["alpha"].compressed().tolist()))  # type: ignore[attr-defined]
        level = " or ".join(f"{alpha:g}" for alpha in alphas) or "an unknown alpha"
        said.append(
            f"Each certificate, taken alone, fails with probability at most {level}. "
            "Among many certificates some can fail."
        )
    if part["sound"].all():
        said.append("All rounding errors make radii smaller, never larger.")
    else:
        said.append("Rounding errors are not bounded: a radius can be too large by a rounding error.")
    phrases = dict.fromkeys(phrase for cell in part["assumptions"] for phrase in cell.split("; ") if phrase)
    said += [f"Assumption: {phrase}." for phrase in phrases]
    return said
