"""Every constructor refuses bad arguments with ``Class: parameter = value; must be ...``."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union

import pytest
import torch
from torch import nn

from datamodules import Digits, poisoning
from lightning_modules import architectures, defences, denoisers, encoders, learners, objectives
from lightning_modules.networks.bodies import ClassifierBody, EncoderBody
from lightning_modules.networks.frozen_classifier import FrozenClassifier
from lightning_modules.networks.pretrained_classifier import PretrainedClassifier
from lightning_modules.training.base_classifier import BaseClassifier
from lightning_modules.training.denoiser_training import DenoiserTraining
from lightning_modules.training.schedule import Learning
from smoothing.certifiers import Plurality
from smoothing.measures import Gaussian, UnchangedExamples
from smoothing.provenance.origin import Origin
from smoothing.votes import Partitions, Ridge
from tests.lightning_modules.denoisers.unets import TINY, tiny


def trigger() -> dict[str, Any]:
    return {"trigger": poisoning.Trigger(torch.zeros(1, 2, 2), 0, 0)}


ARGUMENTS: dict[type, Callable[[], dict[str, Any]]] = {
    architectures.Architecture: lambda: {"body": nn.Flatten(), "num_classes": 2, "mean": [0.0], "std": [1.0]},
    architectures.OwnNetwork: lambda: {"network": "torch.nn.Flatten", "num_classes": 2},
    architectures.TimmModel: lambda: {"name": "resnet18", "num_classes": 2},
    architectures.TorchvisionModel: lambda: {"name": "resnet18", "num_classes": 2},
    defences.CertifiedVote: lambda: {
        "votes": Partitions(Ridge(), parts=2),
        "certifier": Plurality(),
        "measure": UnchangedExamples(),
    },
    defences.DefenceTrials: lambda: {
        "training": defences.Training(network=architectures.LeNet()),
        "defences": {"none": defences.NoDefence()},
    },
    poisoning.PoisoningTrials: lambda: {
        "data": Digits(),
        "attacks": {"frogs": poisoning.PoisonFrogs()},
        "budget": poisoning.Budget(2, 0.1),
    },
    defences.DenoiseTrainingImages: lambda: {"measure": Gaussian(0.5)},
    defences.Training: lambda: {"network": architectures.LeNet()},
    denoisers.DiffusionDenoiser: lambda: {"path": "absent"},
    denoisers.FrozenDenoiser: lambda: {"base_ckpt": "absent"},
    denoisers.GaussianNoise: lambda: {"sigma": 0.5},
    denoisers.UNetDenoiser: lambda: {
        "unet": tiny(),
        "process": denoisers.GaussianNoise(0.5),
        "trained_on": Origin("A"),
        "precision": "float32",
    },
    encoders.FeatureNetwork: lambda: {"shape": [1, 8, 8], "features": 4, "width": 2},
    encoders.FrozenEncoder: lambda: {"base_ckpt": "absent"},
    encoders.PretrainedEncoder: lambda: {"backbone": encoders.FeatureNetwork([1, 8, 8], 4, 2), "trained_on": "A"},
    encoders.SimCLR: lambda: {"backbone": encoders.FeatureNetwork([1, 8, 8], 4, 2), "projection": 2},
    encoders.TimmBackbone: lambda: {"name": "resnet18"},
    learners.Networks: lambda: {"network": architectures.LeNet()},
    poisoning.Budget: lambda: {"count": 1, "eps": 0.1},
    poisoning.HiddenTrigger: trigger,
    poisoning.LabelConsistent: trigger,
    poisoning.PoisonedDataModule: lambda: {"data": Digits(), "poisons": "absent"},
    poisoning.Setup: lambda: {"target": 0, "target_class": 0, "intended": 1, "bases": [0]},
    poisoning.SleeperAgent: trigger,
    poisoning.ImageTrigger: lambda: {"path": "absent", "row": 0, "column": 0},
    poisoning.RandomTrigger: lambda: {"shape": [1, 8, 8], "size": 2},
    poisoning.Trigger: lambda: {"pattern": torch.zeros(1, 2, 2), "row": 0, "column": 0},
    BaseClassifier: lambda: {"architecture": architectures.LeNet(), "measure": Gaussian(0.5)},
    ClassifierBody: lambda: {"network": architectures.LeNet(), "trained_on": ["A"]},
    DenoiserTraining: lambda: {"unet": TINY},
    EncoderBody: lambda: {"encoder": None},
    FrozenClassifier: lambda: {"base_ckpt": "absent"},
    Learning: lambda: {"optimizer": torch.optim.SGD},
    PretrainedClassifier: lambda: {"architecture": architectures.LeNet()},
}
"""Arguments that each class cannot be made without."""

NOT_MADE = {"Draws", "Noise", "Poisons", "Problem", "draw_setups", "read_setups", "write_setups"}
NOT_MADE |= {"CertifiedClassifier", "Majority", "TrainedNetwork", "TrainingState"}
"""Functions, and classes that users neither write in configs nor call; `Noise` comes from `BaseClassifier`."""

MAY_BE_EMPTY = {("Perceptrons", "hidden"), ("BaseClassifier", "radii"), ("DenoiserTraining", "sigmas")}
MAY_BE_EMPTY |= {("ClassifierBody", "trained_on"), ("Training", "milestones")}
MAY_BE_NEGATIVE = {"mean"}
MAY_BE_TEXT = {("PoisoningTrials", "setups")}


def public() -> Iterator[type]:
    rooms = (architectures, defences, denoisers, encoders, learners, objectives, poisoning)
    known = [getattr(room, name) for room in rooms for name in room.__all__ if name not in NOT_MADE]
    for kind in dict.fromkeys([*known, *ARGUMENTS]):
        if not inspect.isabstract(kind) and inspect.signature(kind).parameters:
            yield kind


def bad(annotation: Any, kind: type, name: str) -> Iterator[Any]:
    """Values that an annotation excludes, or that no parameter of that type in these packages allows."""
    kinds = typing.get_args(annotation) if typing.get_origin(annotation) in (UnionType, Union) else (annotation,)
    plain = [typing.get_origin(each) or each for each in kinds]
    if NoneType not in plain:
        yield None
    if Mapping in plain or typing.Literal in plain:
        yield from (5, "half")
    elif Sequence in plain:
        yield from (5, "abc", [None], [object()])
        if typing.get_args(kinds[plain.index(Sequence)]) != (str,):
            yield from (["a"], [float("nan")], [True])
            if name not in MAY_BE_NEGATIVE:
                yield [-1]
        if (kind.__name__, name) not in MAY_BE_EMPTY:
            yield []
    elif int in plain or float in plain:
        if (kind.__name__, name) not in MAY_BE_TEXT:
            yield "one"
        yield from (float("nan"), float("inf"), True, -1, [1])
        if float not in plain:
            yield 1.5
    elif str in plain:
        yield from (5, float("nan"), ["a"])
        if bool not in plain:
            yield True
        if NoneType not in plain and bool not in plain:
            yield ""
    elif bool in plain:
        yield from (1, "yes", float("nan"))
    else:
        yield from (5, "one", [1])


def cases() -> Iterator[Any]:
    for kind in public():
        hints = typing.get_type_hints(kind.__init__)
        for name in inspect.signature(kind).parameters:
            for value in bad(hints[name], kind, name):
                yield pytest.param(kind, name, value, id=f"{kind.__name__}-{name}-{str(value)[:12]}")


@pytest.mark.parametrize(("kind", "name", "value"), list(cases()))
def test_bad_arguments_are_refused_by_name(kind: type, name: str, value: Any) -> None:
    arguments = ARGUMENTS.get(kind, dict)() | {name: value}
    with pytest.raises(ValueError, match=rf"^{kind.__name__}: {name} = .*; must be ") as refused:
        kind(**arguments)
    assert "\n" not in str(refused.value)


def test_one_string_is_no_list_of_origins() -> None:
    """Its characters would count as names of data sets, none of which is under attack."""
    for make in (ClassifierBody, learners.Networks):
        with pytest.raises(ValueError, match="trained_on = 'MNIST train'; must be a list"):
            make(architectures.LeNet(), "MNIST train")


@pytest.mark.parametrize(
    ("kind", "name", "most"),
    [
        (learners.RidgeHead, "group", 10_000),
        (learners.Perceptrons, "group", 10_000),
        (learners.Networks, "group", 10_000),
        (encoders.KMeansPatches, "samples", 10**7),
    ],
)
def test_arguments_that_size_memory_are_bounded(kind: type, name: str, most: int) -> None:
    arguments = ARGUMENTS.get(kind, dict)()
    assert getattr(kind(**arguments, **{name: most}), name) == most
    with pytest.raises(ValueError, match=rf"^{kind.__name__}: {name} = {most + 1}; must be at most {most}$"):
        kind(**arguments, **{name: most + 1})
