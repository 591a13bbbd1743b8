import pytest
import torch
from torch import nn

from lightning_modules.architectures import Architecture
from lightning_modules.training.recipe import build, describe
from smoothing.measures import AnisotropicGaussian, Gaussian, GaussianMixture, Laplace, SmoothingMeasure


class Twice(nn.Module):
    """Keeps another object among its arguments."""

    def __init__(self, measure: SmoothingMeasure, parts: tuple[int, ...], options: dict[str, float]) -> None:
        super().__init__()
        self.measure = measure
        self.parts = parts
        self.options = options


class Forgetful(Gaussian):
    """Keeps no ``scale``."""

    def __init__(self, scale: float) -> None:
        super().__init__(2 * scale)


def test_plain_values() -> None:
    assert describe(Gaussian(0.5)) == {
        "class_path": "smoothing.measures.additive.Gaussian",
        "init_args": {"sigma": 0.5},
    }


def test_tensors_become_lists() -> None:
    assert describe(AnisotropicGaussian([0.5, 1.0]))["init_args"] == {"sigmas": [0.5, 1.0]}


def test_nested_objects_are_built_again() -> None:
    recipe = describe(Twice(Laplace(0.5), (1, 2), {"a": 0.5}))
    again = build(recipe, Twice)
    assert isinstance(again.measure, Laplace)
    assert (again.measure.scale, again.parts, again.options) == (0.5, [1, 2], {"a": 0.5})
    assert describe(again) == recipe


def test_equal_recipes_are_the_same_measure() -> None:
    assert describe(GaussianMixture([1, 2])) == describe(GaussianMixture([1, 2], [3, 3]))
    assert describe(Gaussian(0.5)) != describe(Gaussian(0.25))
    assert describe(Gaussian(0.5)) != describe(Laplace(0.5))


def test_what_is_left_out_is_not_described() -> None:
    assert describe(Gaussian(0.5), leave_out=("sigma",))["init_args"] == {}


def test_a_recipe_survives_a_checkpoint(tmp_path: object) -> None:
    torch.save(describe(Twice(Laplace(0.5), (1, 2), {})), f"{tmp_path}/recipe.pt")
    read = torch.load(f"{tmp_path}/recipe.pt", weights_only=True)
    assert isinstance(build(read, Twice).measure, Laplace)


def test_an_argument_that_is_not_kept_is_named() -> None:
    with pytest.raises(ValueError, match=r"^Forgetful: scale is not kept; must be kept in an attribute of that name$"):
        describe(Forgetful(1.0))


@pytest.mark.parametrize("path", ["nowhere.Gaussian", "smoothing.measures.Gausian", "Gaussian"])
def test_a_class_that_cannot_be_found_is_named(path: str) -> None:
    with pytest.raises(ValueError, match=rf"^{path}; must be a class that can be imported"):
        build({"class_path": path, "init_args": {}}, Gaussian)


@pytest.mark.parametrize("path", ["smoothing.measures.Gaussian", "os.system"])
def test_another_kind_is_refused_before_it_is_built(path: str) -> None:
    with pytest.raises(ValueError, match=rf"^{path}; must be a Architecture$"):
        build({"class_path": path, "init_args": {"sigma": -1}}, Architecture)
