"""What every certifier must do."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pytest
import torch

from smoothing.certificates.certificates import Certificates, SmoothedClassifier
from smoothing.certifiers.certifier import Certifier
from smoothing.measures import LabelFlip
from smoothing.testing.problems import random_ballots
from smoothing.testing.referee import never_above_the_truth
from smoothing.votes.ballots import Ballots

ROUNDING = 1e-9
"""How far a sum of probabilities may seem to pass one."""


class CertifierConformance:
    """Tests of a certifier; subclass it, name the class ``Test...`` and give the fixture `certifier`.

    A certifier of other votes than linear ones gives `ballots` of its own, and replaces
    `test_radius_is_never_above_the_truth` by a referee of its own.
    """

    @pytest.fixture
    def certifier(self) -> Certifier:
        """The certifier."""
        raise NotImplementedError("give a fixture `certifier`")

    @pytest.fixture
    def ballots(self, certifier: Certifier) -> Sequence[Ballots]:
        """Small problems: at most 16,384 label vectors each, for two classes and for more."""
        two = [
            random_ballots(LabelFlip(q, 2), 2, 11, 8, seed) for seed, q in enumerate(("0.05", "0.2", "0.35", "0.45"))
        ]
        three = [random_ballots(LabelFlip(q, 3), 3, 7, 8, seed) for seed, q in enumerate(("0.1", "0.4", "0.6"))]
        return [b for b in two + three if certifier.supports(b.measure, b.votes) is None]

    @pytest.fixture
    def answers(self, certifier: Certifier, ballots: Sequence[Ballots]) -> list[tuple[Ballots, Certificates]]:
        """Ballots and what is certified for them."""
        assert ballots, "the certifier supports none of the ballots"
        return [(b, certifier.certify(b)) for b in ballots]

    def test_columns_are_one_value_a_row(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Shapes, types and ranges of every column."""
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

    def test_whole_distances_have_whole_radii(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Radii are whole numbers where distances are."""
        for ballots, certificates in answers:
            if ballots.measure.distance.integer:
                assert (certificates.radius == np.round(certificates.radius)).all()

    def test_abstention_certifies_nothing(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """Where there is no prediction the radius is 0."""
        for _, certificates in answers:
            assert (certificates.radius[certificates.prediction == -1] == 0).all()

    def test_claims_agree(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """A certificate that can fail says how often, and gives the counts behind it; one that cannot does not."""
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

    def test_rivals_share_the_lost_votes(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """The best rival cannot have more votes than the winner loses."""
        for _, certificates in answers:
            if certificates.log_fail is not None and certificates.log_rival is not None:
                assert (certificates.log_rival <= certificates.log_fail + ROUNDING).all()

    def test_rows_do_not_depend_on_the_batch(self, certifier: Certifier, ballots: Sequence[Ballots]) -> None:
        """An input alone gets the same bits as among others."""
        for whole in ballots:
            together = certifier.certify(whole)
            for row in (0, len(whole.x) - 1):
                part = torch.tensor([row])
                single = certifier.certify(
                    Ballots(whole.measure, whole.votes, whole.x[part], whole.index[part], whole.seed)
                )
                for name in ("prediction", "radius", "log_fail", "log_rival", "n_a", "n_b", "n"):
                    column, alone = getattr(together, name), getattr(single, name)
                    assert (column is None) == (alone is None)
                    assert column is None or column[row] == alone[0], name

    def test_radius_is_never_above_the_truth(self, answers: list[tuple[Ballots, Certificates]]) -> None:
        """All label vectors are gone through; no attack within the radius beats the prediction."""
        for ballots, certificates in answers:
            never_above_the_truth(ballots, certificates)
