"""Objects of every dtype are randomised correctly or refused."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.measures import (
    CategoricalMeasure,
    DenoisedMeasure,
    Discrete,
    Gaussian,
    GaussianMixture,
    LabelFlip,
    Laplace,
    Quantised,
    Rounded,
    SharedSplitting,
    SmoothingMeasure,
    SparseDiscrete,
    Splitting,
    Subsample,
    Unchanged,
    UnchangedExamples,
    UnchangedLabels,
    UniformLinf,
)
from smoothing.numerics.random import generator
from tests.denoisers import Blur

TYPES = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.float16, torch.float32, torch.float64]
LARGEST = {torch.uint8: 255, torch.int8: 127}


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize(
    "measure",
    [
        *(Discrete(0.9, k) for k in (65, 127, 128, 129, 200, 256)),
        LabelFlip("0.4", 2),
        SparseDiscrete("0.4", "0.3"),
        UnchangedLabels(200),
    ],
    ids=repr,
)
def test_values_do_not_wrap(measure: CategoricalMeasure, dtype: torch.dtype) -> None:
    z = torch.arange(20_000) % measure.num_classes
    if measure.num_classes - 1 > LARGEST.get(dtype, 255):
        with pytest.raises(
            ValueError, match=r"^\w+: z = a tensor of torch.int8; must be of a dtype that represents all"
        ):
            measure.sample((z % 100).to(dtype), generator((0,)))
        return
    expected = measure.sample(z, generator((0,)))
    sample = measure.sample(z.to(dtype), generator((0,)))
    assert sample.dtype == dtype
    assert torch.equal(sample.long(), expected)
    assert expected.max() == measure.num_classes - 1


def test_booleans_are_two_values() -> None:
    z = torch.tensor([True, False]).repeat(50)
    for measure in (LabelFlip(0.4, 2), SparseDiscrete("0.4", "0.3")):
        sample = measure.sample(z, generator((0,)))
        assert sample.dtype == torch.bool
        assert torch.equal(sample.long(), measure.sample(z.long(), generator((0,))))


@pytest.mark.parametrize("value", [-1.0, 0.5, 3.0, 1e30, float("nan"), float("inf")])
def test_other_values_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"^Discrete: value = .+; must be a whole number within 0 .. 2"):
        Discrete(0.5, 3).sample(torch.tensor([1.0, value]), generator((0,)))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool], ids=str)
def test_hidden_labels_need_a_sign(dtype: torch.dtype) -> None:
    """-1 would be 255, or True."""
    with pytest.raises(ValueError, match=r"Subsample: z = a tensor of torch\.\w+; must be of a signed dtype"):
        Subsample(2).sample(torch.tensor([0, 1]).to(dtype), generator((0,)))


REAL = [
    Gaussian(0.5),
    GaussianMixture([0.5, 1.0]),
    Laplace(0.5),
    UniformLinf(0.5),
    Splitting(0.75),
    SharedSplitting(0.75, 3),
    Rounded(Gaussian(0.5), 3),
    Quantised(Discrete(0.5, 3)),
    DenoisedMeasure(Gaussian(0.5), Blur(1.0)),
]


@pytest.mark.parametrize("measure", REAL, ids=lambda measure: type(measure).__name__)
@pytest.mark.parametrize("z", [torch.zeros(1, 2, 3, dtype=dtype) for dtype in (torch.uint8, torch.int64, torch.bool)])
def test_noise_on_real_numbers_refuses_whole_ones(measure: SmoothingMeasure, z: Tensor) -> None:
    for call in _calls(measure, z):
        with pytest.raises(ValueError, match=r"^\w+: z = a tensor of torch\.\w+; must be a .*floating-point numbers$"):
            call()


ALL = [
    *REAL,
    Discrete(0.5, 3),
    SparseDiscrete(0.1, 0.1),
    Subsample(2),
    Unchanged(),
    UnchangedLabels(3),
    UnchangedExamples(),
]


@pytest.mark.parametrize("measure", ALL, ids=lambda measure: type(measure).__name__)
@pytest.mark.parametrize("z", [np.zeros((1, 2, 3), np.float32), [0.0, 1.0]], ids=["array", "list"])
def test_arrays_and_lists_are_refused_in_one_line(measure: SmoothingMeasure, z: object) -> None:
    with pytest.raises(ValueError, match=r"^\w+: z = an object of type \w+; must be a torch tensor"):
        measure.sample(z, generator((0,)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "measure", [m for m in ALL if not isinstance(m, Unchanged)], ids=lambda measure: type(measure).__name__
)
def test_a_seed_is_no_generator(measure: SmoothingMeasure) -> None:
    for call in _calls(measure, torch.zeros(1, 2, 3), 7):
        with pytest.raises(ValueError, match=r"^\w+: generator = an object of type int; must be a torch.Generator"):
            call()


def _calls(measure: SmoothingMeasure, z: Tensor, source: object = None) -> list[Callable[[], Tensor]]:
    source = generator((0,)) if source is None else source
    return [lambda: measure.sample(z, source), lambda: measure.sample_many(z, 2, source)]  # type: ignore[arg-type]
