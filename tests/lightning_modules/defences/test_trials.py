"""What a trial states about its parts: which saw the images of the trial, and whether a radius holds."""

import pytest

from datamodules import Digits
from datamodules.poisoning import Budget, PoisonFrogs, PoisoningTrials
from lightning_modules.defences import CertifiedVote, DefenceTrials, DenoiseTrainingImages, NoDefence, Training
from lightning_modules.defences.trials import Attempt
from smoothing.certifiers import Plurality
from smoothing.measures import Gaussian, UnchangedExamples
from smoothing.provenance.origin import Origin
from smoothing.runs.trials import Trial
from smoothing.votes import ByPosition, NearestNeighbours, Partitions
from tests.lightning_modules.defences.bodies import Flat


class Apart(DefenceTrials):
    """Trials without a trainer."""

    given: PoisoningTrials

    @property
    def data(self) -> PoisoningTrials:  # type: ignore[override]
        return self.given


class Denoised(Gaussian):
    """Noise that claims a denoiser."""

    def __init__(self, seen: str) -> None:
        super().__init__(0.1)
        self.trained_on = (Origin.parse(seen),)


def tried(body_saw: str, denoiser_saw: str = "Elsewhere") -> dict[str, Trial]:
    """Trials of one attack on half of the digits, by defence."""
    body = Flat()
    body.trained_on = (Origin.parse(body_saw),)
    votes = Partitions(NearestNeighbours(1), parts=9, partition=ByPosition())
    defences = {
        "none": NoDefence(),
        "parts": CertifiedVote(votes, Plurality(), UnchangedExamples("changed examples")),
        "denoised": DenoiseTrainingImages(Denoised(denoiser_saw)),
    }
    data = Digits(classes=[1, 7], every=9, training="train[300:500]")
    model = Apart(Training(body, epochs=2), defences)
    model.given = PoisoningTrials(data, {"frogs": PoisonFrogs(steps=1)}, Budget(2, 0.1), setups=1)
    model.given.setup()
    (found,) = model.predict_step([Attempt("frogs", 0, tuple(defences))], 0)
    return {trial.defence: trial for trial in found.trials}


@pytest.mark.parametrize(
    ("body_saw", "seen", "radius"),
    [
        ("Digits train[:300]", False, True),
        ("Digits train", True, False),
        ("Digits train[499:]", True, False),
        ("Digits test", True, True),
    ],
)
def test_bodies_that_saw_the_images_are_marked_and_void_the_radius(body_saw: str, seen: bool, radius: bool) -> None:
    trials = tried(body_saw)
    assert {trial.seen for trial in trials.values()} == {seen}
    assert (trials["parts"].radius is not None) == radius
    assert trials["none"].radius is None


def test_denoisers_that_saw_the_images_are_marked() -> None:
    seen = {defence: trial.seen for defence, trial in tried("Elsewhere", "Digits train").items()}
    assert seen == {"none": False, "parts": False, "denoised": True}
