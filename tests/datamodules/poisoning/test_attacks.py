"""Every attack reaches its aim within its budget, and equal seeds give equal bytes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from datamodules import Digits, FeatureFile, poisoning
from datamodules.poisoning import (
    Budget,
    BullseyePolytope,
    ConvexPolytope,
    HiddenTrigger,
    LabelConsistent,
    PoisonFrogs,
    PoisoningAttack,
    Problem,
    Setup,
    SleeperAgent,
    WitchesBrew,
)
from tests.datamodules.poisoning.small import body, classifier, digits, setup, trigger

Crafting = tuple[PoisoningAttack, Callable[[int], nn.Module]]

ATTACKS: dict[str, Crafting] = {
    "PoisonFrogs": (PoisonFrogs(learning_rate=0.05), body),
    "ConvexPolytope": (ConvexPolytope(30), body),
    "BullseyePolytope": (BullseyePolytope(30), body),
    "HiddenTrigger": (HiddenTrigger(trigger(), 30, 0.01, enough=0), body),
    "LabelConsistent": (LabelConsistent(trigger()), classifier),
    "WitchesBrew": (WitchesBrew(20, restarts=2), classifier),
    "SleeperAgent": (SleeperAgent(trigger(), 20, sources=10), classifier),
}
BUDGETS = [Budget(5, 16 / 255), Budget(5, 0.7, "l2")]
FRACTION = 0.9
"""Largest fraction of the loss of the clean images that is left."""

WITHOUT_RANDOMNESS = {"PoisonFrogs", "ConvexPolytope", "BullseyePolytope"}


def test_all_exported_attacks_are_tested_here() -> None:
    exported = {name: getattr(poisoning, name) for name in poisoning.__all__}
    attacks = {name for name, kind in exported.items() if isinstance(kind, type) and issubclass(kind, PoisoningAttack)}
    assert attacks - {"PoisoningAttack", "GradientMatching"} == ATTACKS.keys()


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.norm)
@pytest.mark.parametrize("networks", [1, 2])
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_lower_their_objective_within_the_budget(name: str, networks: int, budget: Budget) -> None:
    attack, make = ATTACKS[name]
    poisons = attack.craft(digits(), setup(), budget, [make(seed) for seed in range(networks)], seed=1)
    clean = digits().training_set()[0][list(poisons.positions)]
    if poisons.loss_before > 0:
        assert poisons.loss_after < FRACTION * poisons.loss_before
    else:
        assert poisons.loss_after < poisons.loss_before / FRACTION  # minus a cross-entropy
    assert ((poisons.images >= 0) & (poisons.images <= 1)).all()
    assert (budget.sizes(poisons.images, clean) <= budget.eps).all()
    assert float(budget.sizes(poisons.images, clean).max()) > 0.9 * budget.eps
    poisons.check(digits())


@pytest.mark.parametrize("name", ATTACKS)
def test_equal_seeds_give_equal_bytes(name: str, tmp_path: Path) -> None:
    attack, make = ATTACKS[name]
    kept, images = [], []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)  # the global generator has no effect
        folder, poisons = tmp_path / str(number), attack.craft(digits(), setup(), BUDGETS[0], [make(0)], seed)
        poisons.save(str(folder))
        kept.append([path.read_bytes() for path in sorted(folder.iterdir())])
        images.append(poisons.images)
    assert kept[0] == kept[1] != kept[2]
    assert torch.equal(images[0], images[2]) == (name in WITHOUT_RANDOMNESS)


@pytest.mark.parametrize("name", ATTACKS)
def test_networks_and_global_randomness_stay_as_they_were(name: str) -> None:
    attack, make = ATTACKS[name]
    network = make(0).train()
    before, state = {key: value.clone() for key, value in network.state_dict().items()}, torch.get_rng_state()
    attack.craft(digits(), setup(), BUDGETS[0], [network])
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), state)


class Darken(PoisoningAttack):
    """An attack as a user writes it."""

    def objective(self, problem: Problem) -> poisoning.attack.Loss:
        """Return the mean brightness."""
        return lambda images, step: images.mean()


def test_a_new_attack_is_one_method() -> None:
    data = Darken(5, 0.01).poison(digits(), setup(), Budget(3, 0.25), [body()])
    assert data.poisons.attack == "Darken(steps=5, learning_rate=0.01)"
    assert data.poisons.loss_after < data.poisons.loss_before
    assert data.training_set()[0].sum() < digits().training_set()[0].sum()


def test_steps_end_at_a_loss_that_is_enough() -> None:
    before = HiddenTrigger(trigger(), 50, 0.01, enough=0).craft(digits(), setup(), BUDGETS[0], [body()])
    ended = HiddenTrigger(trigger(), 50, 0.01, enough=1e6).craft(digits(), setup(), BUDGETS[0], [body()])
    assert before.loss_after < ended.loss_after == ended.loss_before


def test_the_best_restart_counts() -> None:
    losses = [
        WitchesBrew(3, restarts=n).craft(digits(), setup(), BUDGETS[0], [classifier()]).loss_after for n in (1, 6)
    ]
    assert losses[1] < losses[0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"budget": Budget(9, 0.1)}, "BullseyePolytope: count = 9; must be at most 8, the number of bases"),
        ({"networks": []}, r"BullseyePolytope: networks = \[\]; must be at least one network"),
        ({"networks": [5]}, "BullseyePolytope: networks = 5; must be a Module"),
        ({"networks": body()}, "BullseyePolytope: networks = Sequential.*; must be a list"),
        ({"seed": -1}, "BullseyePolytope: seed = -1; must be at least 0"),
        ({"budget": 0.1}, "BullseyePolytope: budget = 0.1; must be a Budget"),
        ({"setup": 3}, "BullseyePolytope: setup = 3; must be a Setup"),
        ({"data": 3}, "BullseyePolytope: data = 3; must be a DataModule"),
        ({"setup": Setup(0, 0, 1, (10**6,))}, "Setup: .*"),
    ],
)
def test_bad_calls_are_refused_in_one_line(changed: dict, message: str) -> None:
    valid = {"data": digits(), "setup": setup(), "budget": Budget(2, 0.1), "networks": [body()], "seed": 0}
    with pytest.raises(ValueError, match=f"^{message}$") as refused:
        BullseyePolytope(1).craft(**{**valid, **changed})
    assert "\n" not in str(refused.value)


def test_inputs_that_are_no_images_are_refused(tmp_path: Path) -> None:
    import numpy as np

    path = tmp_path / "rows.npz"
    np.savez(path, X=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 3 % 2)
    data = FeatureFile(str(path))
    data.setup()
    plan = poisoning.draw_setups(data, 1, 2)[0]
    with pytest.raises(ValueError, match=r"data = FeatureFile; must be images on the scale \[0, 1\]"):
        BullseyePolytope(1).craft(data, plan, Budget(1, 0.1), [nn.Flatten()])


def test_gradients_need_parameters() -> None:
    frozen = classifier().requires_grad_(False)
    with pytest.raises(ValueError, match="networks = Sequential; must be a network with parameters that require gradi"):
        WitchesBrew(1).craft(digits(), setup(), BUDGETS[0], [frozen])


def test_a_trigger_that_does_not_fit_is_refused() -> None:
    large = poisoning.Trigger(torch.zeros(1, 4, 4), 6, 0)
    with pytest.raises(ValueError, match=r"^Trigger: 1 x 4 x 4 at row 6, column 0; must be within images of shape"):
        LabelConsistent(large).craft(digits(), setup(), BUDGETS[0], [classifier()])


def test_classes_must_be_those_of_the_data() -> None:
    other = Digits(classes=(3, 4))
    other.setup()
    with pytest.raises(ValueError, match=r"^Setup: "):
        BullseyePolytope(1).craft(other, setup(), BUDGETS[0], [body()])


@pytest.mark.gpu
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_run_on_the_device_of_their_networks(name: str) -> None:
    attack, make = ATTACKS[name]
    poisons = attack.craft(digits(), setup(), BUDGETS[0], [make(0).to("cuda")], seed=1)
    assert poisons.images.device.type == "cpu"
    assert poisons.loss_after < poisons.loss_before
    poisons.check(digits())
