"""Conformance tests of certifiers."""

from collections.abc import Sequence
from copy import copy
from typing import TypeVar, get_args

import numpy as np
import pytest
import torch

from smoothing.certificates.certificates import Certificates, SmoothedClassifier
from smoothing.certifiers.certifier import Certifier
from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import LabelFlip
from smoothing.measures.measure import SmoothingMeasure
from smoothing.testing.known_votes import EXAMPLES, KnownVotes, even_votes, known_problems, refuted, wrong
from smoothing.testing.problems import ballots_of, random_ballots, tied_ballots
from smoothing.testing.referee import never_above_the_truth
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

ROUNDING = 1e-9
"""Rounding error of bounds and radii that are compared."""

COLUMNS = ("prediction", "radius", "log_fail", "log_rival", "n_a", "n_b", "n", "flips_to")

Assuming = TypeVar("Assuming", SmoothingMeasure, Votes)

EQUAL_WEIGHTS, MINORITY = 200, 10
"""Labels of equal weight, and how many of them have the other class."""


class CertifierConformance:
    """Tests of a certifier. Subclass it, name the class ``Test...`` and define the fixture `certifier`.

    For a certifier of votes that are not linear, also override the fixture `ballots`, and override
    `test_radius_is_never_above_the_truth` with a brute-force test. Sampled certifiers are also tested on `KnownVotes`.
    Give them an alpha of at least .001: smaller failure probabilities are tested with less power.
    """

    @pytest.fixture
    def certifier(self) -> Certifier:
        """Return the certifier."""
        raise NotImplementedError("define the fixture `certifier`")

    @pytest.fixture
    def ballots(self, certifier: Certifier) -> Sequence[Ballots]:
        """Return small problems with at most 16,384 label vectors each, for two, three and four classes."""
        two = [
            random_ballots(LabelFlip(q, 2), 2, 11, 8, seed) for seed, q in enumerate(("0.05", "0.2", "0.35", "0.45"))
        ]
        three = [random_ballots(LabelFlip(q, 3), 3, 7, 8, seed) for seed, q in enumerate(("0.1", "0.4", "0.6"))]
        # In one row, fewer flips lead to a third class than to the runner-up.
        third = random_ballots(LabelFlip("0.4", 3), 3, 7, 8, 4)
        four = [random_ballots(LabelFlip(q, 4), 4, 6, 8, seed) for seed, q in enumerate(("0.1", "0.5"))]
        every = [*two, *three, third, *four, *tied_ballots("0.2")]
        return [b for b in every if certifier.supports(b.measure, b.votes) is None]

    @pytest.fixture
    def answers(self, certifier: Certifier, ballots: Sequence[Ballots]) -> list[tuple[Ballots, Certificates]]:
        """Return the ballots and their certificates."""
        assert ballots, "the certifier supports none of the ballots"
        return [(b, certifier.certify(b)) for b in ballots]

    def test_columns_are_one_value_a_row(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Check shapes, types and ranges of all columns."""
        for ballots, certificates in answers:
            rows = (len(ballots.x),)
            assert certificates.prediction.shape == certificates.radius.shape == rows
            assert certificates.prediction.dtype == np.int64
            assert certificates.radius.dtype == np.float64
            assert ((certificates.prediction >= -1) & (certificates.prediction < ballots.votes.num_classes)).all()
            assert (certificates.radius >= 0).all()
            assert (certificates.radius <= ballots.measure.diameter(ballots.shape)).all()
            for column in (certificates.log_fail, certificates.log_rival):
                assert column is None or (column.shape == rows and column.dtype == np.float64 and (column <= 0).all())
            for count in (certificates.n_a, certificates.n_b, certificates.n):
                assert count is None or (count.shape == rows and count.dtype == np.int64)

    def test_certified_sets_agree_with_the_radius(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Check that the prediction needs no change, and every other class more changes than the radius."""
        for ballots, certificates in answers:
            if (flips_to := certificates.flips_to) is None:
                continue
            predicted = np.arange(ballots.votes.num_classes) == certificates.prediction[:, None]
            assert flips_to.shape == predicted.shape
            assert flips_to.dtype == np.float64
            assert (flips_to[predicted] == 0).all()
            assert ((flips_to > certificates.radius[:, None]) | predicted).all()
            assert (flips_to == np.floor(flips_to)).all()

    def test_whole_distances_have_whole_radii(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Check that radii are whole numbers if distances are."""
        for ballots, certificates in answers:
            if ballots.measure.distance.integer:
                assert (certificates.radius == np.round(certificates.radius)).all()

    def test_abstention_certifies_nothing(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Check that the radius is 0 where the prediction is -1."""
        for _, certificates in answers:
            assert (certificates.radius[certificates.prediction == -1] == 0).all()

    def test_claims_agree(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Check that exactly the certificates that can fail have a failure probability, and that counts add up."""
        for ballots, certificates in answers:
            assert certificates.classifier in get_args(SmoothedClassifier)
            assert set(ballots.assumptions) <= set(certificates.assumptions)
            assert certificates.deterministic == (certificates.alpha is None)
            if certificates.alpha is not None:
                assert 0 < certificates.alpha < 1
            if certificates.n_a is not None:
                assert certificates.n is not None
                assert (certificates.n_a >= 0).all()
                others = 0 if certificates.n_b is None else certificates.n_b
                assert (certificates.n_a + others <= certificates.n).all()

    def test_assumptions_are_stated(self, certifier: Certifier, ballots: Sequence[Ballots]) -> None:
        """Check that certificates state all assumptions of the votes and of the measure."""
        for whole in ballots:
            measure, votes = assuming(whole.measure, "made of the measure"), assuming(whole.votes, "made of the votes")
            stated = certifier.certify(Ballots(measure, votes, whole.x, whole.index, whole.seed)).assumptions
            assert {"made of the measure", "made of the votes"} <= set(stated), stated

    def test_certificates_fail_no_more_often_than_stated(
        self, certifier: Certifier, answers: list[tuple[Ballots, Certificates]]
    ) -> None:
        """Count wrong certificates in problems with known vote probabilities near the bounds at which radii change."""
        known = self._known(certifier, answers, EXAMPLES)
        for measure, votes in known:
            certificates = certifier.certify(votes.ballots(measure))
            self._not_refuted(measure, votes, certificates)
        if known:
            measure, votes = even_votes(certificates.alpha)
            self._not_refuted(measure, votes, certifier.certify(votes.ballots(measure)))

    def test_counts_are_those_of_the_prediction(
        self, certifier: Certifier, answers: list[tuple[Ballots, Certificates]]
    ) -> None:
        """Check that the counts are those of the predicted class in the first ``n`` draws of a stream."""
        for measure, votes in self._known(certifier, answers):
            c = certifier.certify(votes.ballots(measure))
            if c.n_a is not None and c.n_b is not None and c.n is not None:
                predicted = c.prediction >= 0
                assert votes.seen(c.prediction, c.n_a, c.n_b, c.n)[predicted].all()

    def test_samples_that_are_rounded_are_not_sound(
        self, certifier: Certifier, answers: list[tuple[Ballots, Certificates]]
    ) -> None:
        """Check that certificates are not marked as sound if the samples of the measure are rounded."""
        for measure, votes in self._known(certifier, answers):
            assert measure.exact_samples or not certifier.certify(votes.ballots(measure)).sound

    def test_radius_follows_from_the_bounds(
        self, certifier: Certifier, answers: list[tuple[Ballots, Certificates]]
    ) -> None:
        """Check that radii of a majority vote are at most the tight radii of the stated bounds."""
        known = [(votes.ballots(measure), None) for measure, votes in self._known(certifier, answers)]
        for ballots, given in [*answers, *known]:
            certificates = given or certifier.certify(ballots)
            fail, rival = certificates.log_fail, certificates.log_rival
            if certificates.classifier == "majority" and fail is not None:
                bound = VoteBound(fail, fail if rival is None else rival)
                tight = NeymanPearson().radius(ballots.measure, bound, ballots.shape)
                assert (certificates.radius <= tight * (1 + ROUNDING)).all()

    def _known(
        self, certifier: Certifier, answers: list[tuple[Ballots, Certificates]], examples: int = 100
    ) -> list[tuple[SmoothingMeasure, KnownVotes]]:
        """Return the problems with known vote probabilities that the certifier supports."""
        known = [
            (measure, votes)
            for measure, votes in known_problems(examples)
            if certifier.supports(measure, votes) is None
        ]
        sampled = any(certificates.alpha is not None for _, certificates in answers)
        assert known or not sampled, "the certifier samples and supports no `KnownVotes`"
        return known

    @staticmethod
    def _not_refuted(measure: SmoothingMeasure, votes: KnownVotes, certificates: Certificates) -> None:
        failures = int(wrong(measure, votes, certificates).sum())
        assert not refuted(failures, votes.examples, certificates.alpha), (
            f"{failures} of {votes.examples} certificates are wrong at alpha = {certificates.alpha}, under {measure} "
            f"with vote probabilities {votes.probabilities.tolist()}"
        )

    def test_rivals_share_the_lost_votes(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Check that the strongest rival has at most the votes that the winner loses."""
        for _, certificates in answers:
            if certificates.log_fail is not None and certificates.log_rival is not None:
                assert (certificates.log_rival <= certificates.log_fail + ROUNDING).all()

    def test_rows_do_not_depend_on_the_batch(self, certifier: Certifier, ballots: Sequence[Ballots]) -> None:
        """Check that the certificate of an input has the same bits in another batch."""
        for whole in ballots:
            together, last = certifier.certify(whole), len(whole.x) - 1
            for rows in ([0], [last], list(range(last, -1, -1))):
                part = torch.tensor(rows)
                again = certifier.certify(
                    Ballots(whole.measure, whole.votes, whole.x[part], whole.index[part], whole.seed)
                )
                _same(together, again, rows)

    def test_certain_rows_do_not_depend_on_the_position(self, certifier: Certifier, ballots: Sequence[Ballots]) -> None:
        """Check that certificates without a failure probability do not depend on the position of the input."""
        for whole in ballots:
            here = certifier.certify(whole)
            if here.alpha is None:
                elsewhere = Ballots(whole.measure, whole.votes, whole.x, whole.index + 1_000, whole.seed)
                _same(here, certifier.certify(elsewhere), list(range(len(whole.x))))

    def test_tiny_failure_probabilities_are_not_rounded_to_zero(self, certifier: Certifier) -> None:
        """Check radii where the winner loses with a probability far below the precision of ``1 - p_A``."""
        labels = [0] * (EQUAL_WEIGHTS - MINORITY) + [1] * MINORITY
        ballots = ballots_of(LabelFlip("0.1", 2), [[1.0] * EQUAL_WEIGHTS], labels)
        if certifier.supports(ballots.measure, ballots.votes) is None:
            certificates = certifier.certify(ballots)
            # With equal weights and two classes, mean and majority agree: half of the lead can be flipped.
            assert certificates.prediction[0] in (-1, 0)
            assert certificates.radius[0] <= EQUAL_WEIGHTS / 2 - MINORITY

    def test_radius_is_never_above_the_truth(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Check by enumeration of all label vectors that no attack within the radius changes the prediction."""
        for ballots, certificates in answers:
            never_above_the_truth(ballots, certificates)


def assuming(thing: Assuming, phrase: str) -> Assuming:
    """Return a copy of a measure or of votes with an additional assumption."""
    made = copy(thing)
    assumptions = (*thing.assumptions, phrase)
    # A name of its own: a second class named as the first would make that name ambiguous in a config.
    fields = {"assumptions": property(lambda _: assumptions), "__module__": __name__}
    made.__class__ = type(f"Assuming{type(thing).__name__}", (type(thing),), fields)
    return made


def _same(whole: Certificates, part: Certificates, rows: list[int]) -> None:
    """Raise an error unless ``part`` holds the certificates of ``rows``, to the bit."""
    for name in COLUMNS:
        column, other = getattr(whole, name), getattr(part, name)
        assert (column is None) == (other is None), name
        assert column is None or (column[rows] == other).all(), name
    for name in ("classifier", "deterministic", "sound", "assumptions", "n0", "alpha"):
        assert getattr(whole, name) == getattr(part, name), name
