"""Kernels against independent computations: 30-digit quadrature, finite wide networks, and matrix inverses."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product

import mpmath
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certifiers import BerryEsseen, Chernoff, ExactVote
from smoothing.measures import LabelFlip
from smoothing.numerics.exact_product import SplitProduct
from smoothing.testing import true_radii
from smoothing.testing.referee import never_above_the_truth
from smoothing.votes import (
    NTK,
    RBF,
    Ballots,
    Centre,
    Constant,
    Kernel,
    KernelRidge,
    LinearVotes,
    Normalise,
    Relative,
    Ridge,
    RosenfeldRule,
)
from smoothing.votes.labels import kernel_ridge

X = torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TESTS = torch.randn(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LABELS = torch.tensor([0, 1, 0, 1, 0, 0, 1, 1, 0])


class Linear(Kernel):
    """The kernel ``x.x'``."""

    def values(self, products: Tensor, squares: Tensor, row_squares: Tensor, width: int) -> Tensor:
        return products


def fitted(votes: KernelRidge | Ridge, x: Tensor = X, labels: Tensor = LABELS) -> KernelRidge | Ridge:
    votes.fit(x, labels, int(labels.max()) + 1)
    return votes


def values(kernel: Kernel, x: Tensor, rows: Tensor) -> Tensor:
    squares, row_squares = x.square().sum(1, keepdim=True), rows.square().sum(1)
    return kernel.values(x @ rows.T, squares, row_squares, x.shape[1])


def expected(function: Callable[..., mpmath.mpf], own: mpmath.mpf, other: mpmath.mpf, both: mpmath.mpf) -> mpmath.mpf:
    """Return ``E f(u, v)`` for Gaussian ``(u, v)`` with these covariances, where f is 0 unless both are positive.

    In polar coordinates of two independent normal numbers, the radius integrates in closed form if f is homogeneous:
    the caller gives f at radius one times its moment. Only the angle is integrated, over the sector where both are
    positive.
    """
    a = mpmath.sqrt(own)
    b, c = both / a, mpmath.sqrt(max(other - (both / a) ** 2, mpmath.mpf(0)))
    # u = a cos t and v = b cos t + c sin t are both positive on a sector.
    low, high = -mpmath.pi / 2, mpmath.pi / 2
    turn = mpmath.atan2(c, b)
    low, high = max(low, turn - mpmath.pi / 2), min(high, turn + mpmath.pi / 2)
    if high <= low:
        return mpmath.mpf(0)
    inside = mpmath.quad(lambda t: function(a * mpmath.cos(t), b * mpmath.cos(t) + c * mpmath.sin(t)), [low, high])
    return inside / (2 * mpmath.pi)


def by_quadrature(x: Tensor, y: Tensor, depth: int, weight_std: str, bias_std: str) -> mpmath.mpf:
    """Return the neural tangent kernel by numerical integration of the Gaussian expectations of its recursion."""
    w, b = mpmath.mpf(weight_std) ** 2, mpmath.mpf(bias_std) ** 2
    u, v = ([mpmath.mpf(number) for number in vector.tolist()] for vector in (x, y))
    dot = lambda p, q: w * mpmath.fdot(p, q) / len(u) + b  # noqa: E731
    own, other, both = dot(u, u), dot(v, v), dot(u, v)
    tangent = both
    for _ in range(depth):
        # E r^2 = 2 for the radius r of two normal numbers.
        relu = lambda s, t: 2 * s * t  # noqa: E731
        slope = w * expected(lambda s, t: mpmath.mpf(1), own, other, both)
        both_after = w * expected(relu, own, other, both) + b
        own, other = (w * expected(relu, part, part, part) + b for part in (own, other))
        both, tangent = both_after, both_after + slope * tangent
    return tangent


@pytest.mark.parametrize(("depth", "weight_std", "bias_std"), [(1, "1", "0"), (2, "1.5", "0.25"), (4, "1.41", "0.5")])
def test_the_tangent_kernel_is_the_integrated_recursion(depth: int, weight_std: str, bias_std: str) -> None:
    pairs = [(X[i], X[j]) for i, j in ((0, 1), (2, 3), (4, 4))] + [(X[5], -X[5]), (X[6], X[6] * 3 + 1e-3 * X[7])]
    with mpmath.workdps(30):
        for one, two in pairs:
            reference = float(by_quadrature(one, two, depth, weight_std, bias_std))
            found = float(values(NTK(depth, float(weight_std), float(bias_std)), one[None], two[None]))
            # The angle of equal or opposite inputs has half of the digits.
            assert abs(found - reference) <= 1e-7 * abs(float(by_quadrature(one, one, depth, weight_std, bias_std)))


def test_an_input_of_length_zero_has_kernel_zero_without_biases() -> None:
    zero = torch.zeros(1, 4, dtype=torch.float64)
    assert values(NTK(3), zero, torch.cat([zero, X])).tolist() == [[0.0] * 10]
    assert values(NTK(3, bias_std=0.5), zero, X).isfinite().all()


def tangent_of_a_network(width: int, depth: int, weight_std: float, bias_std: float, seed: int) -> NDArray[np.float64]:
    """Return inner products of the gradients of a random network's output, in the parametrisation of its kernel."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [X.shape[1], *[width] * depth, 1]
    weights = [torch.randn(a, b, generator=generator, requires_grad=True) for a, b in pairwise(sizes)]
    biases = [torch.randn(size, generator=generator, requires_grad=True) for size in sizes[1:]]
    gradients = []
    for x in X[:4].float():
        hidden = x
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            hidden = hidden.relu() if layer else hidden
            hidden = weight_std / len(w) ** 0.5 * (hidden @ w) + bias_std * b
        gradients.append(torch.cat([part.flatten() for part in torch.autograd.grad(hidden, [*weights, *biases])]))
    stacked = torch.stack(gradients).double()
    return (stacked @ stacked.T).numpy()


def test_wide_networks_converge_to_the_tangent_kernel() -> None:
    kernel = values(NTK(2, 1.4, 0.3), X[:4], X[:4]).numpy()
    errors = []
    for width in (16, 1024):
        networks = np.array([tangent_of_a_network(width, 2, 1.4, 0.3, seed) for seed in range(8)])
        errors.append(np.abs(networks - kernel).max((1, 2)).mean() / kernel.max())
        mean = np.abs(networks.mean(0) - kernel).max() / kernel.max()
    assert errors[1] < errors[0] / 4
    assert mean < 0.05


@pytest.mark.parametrize("kernel", [NTK(3, 1.5, 0.2), RBF(1.3)])
@pytest.mark.parametrize("rule", [Relative(1e-4), Relative(3.0), Constant(0.7)])
def test_weights_are_those_of_the_dual_solution(kernel: Kernel, rule: Relative | Constant) -> None:
    gram, cross = values(kernel, X, X).numpy(), values(kernel, TESTS, X).numpy()
    ridge = rule.factor * np.trace(gram) / len(X) if isinstance(rule, Relative) else 0.7
    solution = np.linalg.solve(gram + ridge * np.eye(len(X)), cross.T).T
    votes = fitted(KernelRidge(kernel, rule))
    assert votes.ridge == pytest.approx(ridge, rel=1e-6)
    np.testing.assert_allclose(votes.weights(TESTS).numpy(), solution, rtol=0, atol=2e-6 * np.abs(solution).max())


def test_the_linear_kernel_is_ridge_regression() -> None:
    dual, primal = fitted(KernelRidge(Linear(), Constant(0.5))), fitted(Ridge(Constant(0.5)))
    np.testing.assert_allclose(dual.weights(TESTS), primal.weights(TESTS), rtol=0, atol=1e-5)


def test_a_split_product_has_twice_the_bits() -> None:
    rows = torch.randn(30, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rows[:, 0] *= 1e6
    x = torch.randn(7, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x[:, 1] *= 1e-6
    split = SplitProduct(rows)(x)
    error = (split - x @ rows.T).abs().max() / (x.abs() @ rows.T.abs()).max()
    assert error < 2.0**-40
    assert torch.equal(split[3:4], SplitProduct(rows)(x[3:4]))


@pytest.mark.parametrize("kernel", [NTK(2, 1.5, 0.2), RBF(1.3)])
def test_bits_depend_on_neither_the_batch_nor_the_number_of_threads(kernel: Kernel) -> None:
    x = torch.randn(103, 17, generator=torch.Generator().manual_seed(2))
    tests = torch.randn(67, 17, generator=torch.Generator().manual_seed(3))
    labels = torch.arange(103) % 3
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            votes = fitted(KernelRidge(kernel), x, labels)
            for size in (1, 3, 64, 67):
                found.append(torch.cat([votes.scores(part).weights for part in tests.split(size)]))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(found[0], other) for other in found[1:])


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("kernel", [NTK(1), NTK(3, 1.4, 0.1), RBF(1.0)])
def test_certificates_are_those_of_every_labelling(kernel: Kernel, num_classes: int) -> None:
    n = 10 if num_classes == 2 else 8
    labels = (torch.arange(n) - n + num_classes).clamp(min=0) if num_classes > 2 else torch.arange(n) % 2
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(4)) + 3 * torch.eye(3)[labels]
    tests = torch.cat([x[:4], 2 * torch.randn(8, 3, generator=torch.Generator().manual_seed(5))])
    votes = KernelRidge(kernel, Relative(8.0), [Centre(), Normalise()])
    votes.fit(x, labels, num_classes)
    ballots = Ballots(LabelFlip("0.1", num_classes), votes, tests, torch.arange(12), 0)
    exact = ExactVote().certify(ballots)
    assert exact.radius.tolist() == true_radii(ballots, exact).tolist()
    assert len(set(exact.radius.tolist())) > 1
    for certifier in (Chernoff(), Chernoff(classifier="majority"), BerryEsseen()):
        never_above_the_truth(ballots, certifier.certify(ballots))


def test_a_radius_one_too_large_is_refuted() -> None:
    votes = fitted(KernelRidge(NTK(1)))
    ballots = Ballots(LabelFlip("0.1", 2), votes, TESTS, torch.arange(5), 0)
    exact = ExactVote().certify(ballots)
    for row in range(5):
        raised = exact.radius.copy()
        raised[row] += 1
        with pytest.raises(AssertionError, match=rf"row {row}: class . is certified at"):
            never_above_the_truth(ballots, replace(exact, radius=raised))


def test_brute_force_over_labellings_of_the_dual_solution_in_floats() -> None:
    """No labelling within the radius changes the prediction of kernel ridge regression computed by NumPy."""
    kernel = NTK(2, 1.4, 0.1)
    votes = fitted(KernelRidge(kernel))
    exact = ExactVote().certify(Ballots(LabelFlip("0.1", 2), votes, TESTS, torch.arange(5), 0))
    gram, cross = values(kernel, X, X).numpy(), values(kernel, TESTS, X).numpy()
    weights = np.linalg.solve(gram + np.trace(gram) / 9 * np.eye(9), cross.T).T
    signs = 2.0 * np.array(list(product((0, 1), repeat=9))) - 1
    flips = (signs != 2 * LABELS.numpy() - 1).sum(1)
    scores = weights @ signs.T
    for row in range(5):
        changed = (scores[row] > 0) != exact.prediction[row]
        assert flips[changed].min() == exact.radius[row] + 1


def test_labels_do_not_influence_the_weights() -> None:
    weights = [fitted(KernelRidge(NTK(1)), labels=labels).scores(TESTS).weights for labels in (LABELS, 1 - LABELS)]
    assert torch.equal(*weights)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "depth": (lambda: NTK(0), r"NTK: depth = 0; must be at least 1"),
    "fraction": (lambda: NTK(1.5), r"NTK: depth = 1\.5; must be"),  # type: ignore[arg-type]
    "weights": (lambda: NTK(1, 0.0), r"NTK: weight_std = 0\.0; must be finite and above 0"),
    "biases": (lambda: NTK(1, 1.0, -0.1), r"NTK: bias_std = -0\.1; must be finite and at least 0"),
    "bandwidth": (lambda: RBF(0.0), r"RBF: bandwidth = 0\.0; must be within"),
    "kernel": (lambda: KernelRidge("ntk"), r"KernelRidge: kernel = 'ntk'; must be a Kernel"),  # type: ignore[arg-type]
    "overflow": (
        lambda: fitted(KernelRidge(NTK(9, 1e30))),
        r"KernelRidge: kernel = NTK\(.*\); must have finite values",
    ),
    "singular": (
        lambda: fitted(KernelRidge(NTK(1), Constant(0.0)), X[[0, 0, 1, 2, 3, 4, 5, 6, 7]]),
        r"KernelRidge: singular system with lambda = 0\.0; must be regularised more",
    ),
    "rule": (lambda: fitted(KernelRidge(NTK(1), RosenfeldRule(0.1))), r"RosenfeldRule: singular system.*another rule"),
    "classes": (
        lambda: fitted(KernelRidge(NTK(1), coding="binary"), labels=torch.arange(9) % 3),
        r"KernelRidge: coding = binary with 3 classes; must be signed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arguments_are_refused(case: str) -> None:
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call()


def test_too_large_a_training_set_is_refused_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_ridge, "LARGEST", 8)
    monkeypatch.setattr(kernel_ridge, "SplitProduct", None)
    with pytest.raises(ValueError, match=r"KernelRidge: n = 9; must be at most 8: a matrix of n x n float64 numbers"):
        fitted(KernelRidge(NTK(1)))


def test_kernel_ridge_is_a_linear_vote() -> None:
    assert issubclass(KernelRidge, LinearVotes)
