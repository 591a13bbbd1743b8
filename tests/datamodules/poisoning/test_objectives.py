"""Objectives of attacks against closed forms, exhaustive search and independent solvers."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser
from PIL import Image
from scipy.optimize import minimize
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from datamodules.poisoning import (
    Budget,
    BullseyePolytope,
    ConvexPolytope,
    HiddenTrigger,
    ImageTrigger,
    LabelConsistent,
    PoisonFrogs,
    PoisoningAttack,
    Problem,
    RandomTrigger,
    SleeperAgent,
    Trigger,
    WitchesBrew,
)
from datamodules.poisoning.convex_polytope import convex_coefficients
from datamodules.poisoning.hidden_trigger import nearest_first
from tests.datamodules.poisoning.small import body, classifier, digits, head_on_frozen_body, setup, trigger

BUDGET = Budget(4, 16 / 255)


def problem(network: nn.Module, trigger: Trigger | None = None, budget: Budget = BUDGET, bases: int = 4) -> Problem:
    plan, (x, _) = setup(bases), digits().training_set()
    target = digits().test_set()[plan.target][1][None]
    target = target if trigger is None else trigger(target)
    return Problem(digits(), plan, budget, (network.eval(),), 0, trigger, target, (*plan.bases,), x[list(plan.bases)])


def distances(network: nn.Module, images: Tensor) -> Tensor:
    """Differences from the target in feature space, ``(n, k)``."""
    return network(images) - network(problem(network).target)


def test_bullseye_is_the_relative_distance_of_the_mean() -> None:
    made = problem(body())
    loss = BullseyePolytope().objective(made)(made.bases, 0)
    expected = distances(body(), made.bases).mean(0).norm() / body()(made.target).norm()
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_frogs_are_squared_distances() -> None:
    made = problem(body())
    loss = PoisonFrogs().objective(made)(made.bases, 0)
    assert torch.allclose(loss, distances(body(), made.bases).square().sum(1))


@pytest.mark.parametrize("seed", range(5))
def test_coefficients_of_the_convex_hull_match_another_solver(seed: int) -> None:
    source = torch.Generator().manual_seed(seed)
    points, target = torch.randn(6, 4 + seed, generator=source), torch.randn(4 + seed, generator=source)
    found = convex_coefficients(points, target).numpy()

    def distance(c: np.ndarray) -> float:
        return float(np.square(c @ points.double().numpy() - target.double().numpy()).sum())

    sums = {"type": "eq", "fun": lambda c: c.sum() - 1}
    other = minimize(distance, np.full(6, 1 / 6), bounds=[(0, None)] * 6, constraints=[sums], tol=1e-14)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert distance(found) <= other.fun + 1e-6


def test_a_target_within_the_convex_hull_has_no_loss() -> None:
    made = problem(body())
    inside = torch.cat([made.target, made.bases[1:]])
    assert float(ConvexPolytope().objective(made)(inside, 0)) < 1e-6
    assert float(ConvexPolytope().objective(made)(made.bases, 0)) > 0.01


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_chosen_nearest_first(seed: int) -> None:
    distances = torch.rand(4, 4, generator=torch.Generator().manual_seed(seed))
    chosen = nearest_first(distances).tolist()
    # The sorted distances of greedy pairs are the first in the dictionary.
    least = min(permutations(range(4)), key=lambda columns: sorted(distances[range(4), columns].tolist()))
    assert sorted(chosen) == [0, 1, 2, 3]
    assert tuple(chosen) == least


def test_hidden_trigger_pairs_poisons_with_images_that_have_the_trigger() -> None:
    made = problem(body(), trigger())
    sources = made.sources(4, trigger())
    assert (sources[:, :, 6:, 6:] == trigger().pattern).all()
    loss = HiddenTrigger(trigger()).objective(made)
    assert loss(sources.flip(0), 0).tolist() == pytest.approx([0] * 4, abs=1e-6)
    assert float(loss(made.bases, 0).min()) > 0


def test_matching_the_gradient_of_a_head_has_a_closed_form() -> None:
    network = head_on_frozen_body()
    made = problem(network)
    inner = network[:-1]  # type: ignore[index]

    def gradient(images: Tensor) -> Tensor:
        """Return ``(softmax - y) x f(x)``, averaged, with the part of the bias last."""
        residual = network(images).softmax(1) - one_hot(made.labels(len(images)), 3)
        return torch.cat([(residual.T @ inner(images) / len(images)).flatten(), residual.mean(0)])

    found = float(WitchesBrew(augmented=False).objective(made)(made.bases, 0).detach())
    cosine = nn.functional.cosine_similarity(gradient(made.target), gradient(made.bases), dim=0)
    assert found == pytest.approx(1 - float(cosine), abs=1e-5)


def test_matching_the_gradient_of_a_whole_network() -> None:
    network = classifier().eval()
    made = problem(network)

    def gradient(images: Tensor) -> Tensor:
        loss = cross_entropy(network(images), made.labels(len(images)))
        return torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(network.parameters()))])

    found = float(WitchesBrew(augmented=False).objective(made)(made.bases, 0).detach())
    cosine = nn.functional.cosine_similarity(gradient(made.target), gradient(made.bases), dim=0)
    assert found == pytest.approx(1 - float(cosine), abs=1e-5)


def test_gradients_in_batches_are_averaged_by_size() -> None:
    made = problem(classifier())
    attack = WitchesBrew(augmented=False, batch_size=3)
    parts = [problem(classifier()).bases[:3], problem(classifier()).bases[3:]]
    whole = WitchesBrew(augmented=False).objective(made)
    expected = sum(float(whole(part, 0).detach()) * len(part) / 4 for part in parts)
    assert float(attack.objective(made)(made.bases, 0).detach()) == pytest.approx(expected, rel=1e-5)


def test_poisons_are_augmented_like_training_images(monkeypatch: pytest.MonkeyPatch) -> None:
    made = problem(classifier())
    attack = WitchesBrew()
    plain = float(attack.objective(made)(made.bases, 0).detach())
    monkeypatch.setattr(type(digits()), "augment", lambda self, x: x.roll(int(torch.randint(1, 4, ())), -1))
    loss = attack.objective(made)
    first, again, other = (float(loss(made.bases, step).detach()) for step in (0, 0, 1))
    assert first == again != other
    assert first != plain


def test_label_consistent_images_are_harder_and_have_what_the_budget_allows_of_the_trigger() -> None:
    network = classifier().eval()
    wide = LabelConsistent(trigger()).craft(digits(), setup(), Budget(4, 1.0), [network])
    narrow = LabelConsistent(trigger()).craft(digits(), setup(), BUDGET, [network])
    clean = digits().training_set()[0][list(narrow.positions)]
    # Within eps = 1 only rounding remains.
    assert torch.allclose(wide.images[:, :, 6:, 6:], trigger().pattern.expand(4, 1, 2, 2), atol=1e-6)
    change = (narrow.images - clean)[:, :, 6:, 6:]
    wanted = (trigger().pattern - clean[:, :, 6:, 6:]).clamp(-BUDGET.eps, BUDGET.eps)
    assert torch.allclose(change, wanted, atol=1e-6)


def test_sleeper_agent_changes_the_bases_with_the_largest_gradients() -> None:
    network = classifier().eval()
    made = problem(network, trigger(), Budget(3, 0.1), bases=8)

    def size(image: Tensor) -> float:
        loss = cross_entropy(network(image[None]), made.labels(1))
        return float(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(network.parameters()))]).norm())

    sizes = torch.tensor([size(image) for image in made.bases])
    assert SleeperAgent(trigger()).choose(made) == sorted(sizes.topk(3).indices.tolist())


def test_sleeper_agent_trains_its_networks_anew_on_the_poisons_of_the_step() -> None:
    seen: list[Tensor] = []

    def retrain(examples: tuple[Tensor, Tensor], generator: torch.Generator) -> list[nn.Module]:
        seen.append(examples[0].clone())
        assert torch.equal(examples[1], digits().training_set()[1])
        return [classifier(7)]

    attack = SleeperAgent(trigger(), 9, sources=5, retrain=retrain, retrain_every=4)
    poisons = attack.craft(digits(), setup(), BUDGET, [classifier()])
    assert len(seen) == 2
    clean = digits().training_set()[0]
    for x in seen:
        changed = (x != clean).flatten(1).any(1).nonzero().flatten().tolist()
        assert changed == sorted(poisons.positions)
        BUDGET.check(x[list(poisons.positions)], clean[list(poisons.positions)])
    assert not torch.equal(*seen)
    assert "retrain=" in poisons.attack
    assert " at 0x" not in poisons.attack
    alone = SleeperAgent(trigger(), 9, sources=5).craft(digits(), setup(), BUDGET, [classifier()])
    assert alone.loss_before != poisons.loss_before


def test_sources_have_the_trigger_at_random_places() -> None:
    patch = Trigger(torch.full((1, 2, 2), 0.123), 6, 6)
    sources = problem(body(), patch).sources(40, patch, anywhere=True)
    marked = (sources == patch.pattern[0, 0, 0]).flatten(1)
    assert (marked.sum(1) == 4).all()
    assert len({tuple(row.nonzero().flatten().tolist()) for row in marked}) > 10


def test_a_small_class_gives_its_images_again() -> None:
    members = int((digits().training_set()[1] == setup().target_class).sum())
    sources = problem(body()).sources(members + 3, trigger())
    assert torch.equal(sources[:3], sources[members:])
    assert len(sources.flatten(1).unique(dim=0)) >= members - 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pattern": torch.zeros(2, 2)}, r"pattern; must be an image \(channels, height, width\) within \[0, 1\]"),
        ({"pattern": torch.full((1, 2, 2), 1.5)}, r"pattern; must be an image .* within \[0, 1\]"),
        ({"pattern": torch.full((1, 2, 2), float("nan"))}, r"pattern; must be an image .* within \[0, 1\]"),
        ({"row": -1}, "row = -1; must be at least 0"),
    ],
)
def test_bad_triggers_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^Trigger: {message}$"):
        Trigger(**{"pattern": torch.zeros(1, 2, 2), "row": 0, "column": 0, **arguments})


def test_random_triggers_fit_or_are_refused() -> None:
    made = RandomTrigger((3, 32, 32), 5, seed=1, margin=2)
    assert (made.pattern.shape, made.row, made.column) == ((3, 5, 5), 25, 25)
    assert set(made.pattern.flatten().tolist()) == {0.0, 1.0}
    assert torch.equal(made.pattern, RandomTrigger((3, 32, 32), 5, seed=1).pattern)
    assert repr(made) == "RandomTrigger(shape=[3, 32, 32], size=5, seed=1, margin=2)"
    with pytest.raises(ValueError, match=r"^RandomTrigger: size = 7; must be at most 6, to fit into the images$"):
        RandomTrigger((1, 8, 8), 7, margin=2)
    with pytest.raises(ValueError, match=r"^RandomTrigger: shape = \[8, 8\]; must be three numbers"):
        RandomTrigger((8, 8), 2)


def test_a_trigger_is_read_from_an_image(tmp_path: Path) -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(pixels).save(tmp_path / "patch.png")
    made = ImageTrigger(str(tmp_path / "patch.png"), 1, 2)
    assert torch.equal(made.pattern * 255, torch.from_numpy(pixels).permute(2, 0, 1).float())
    assert ImageTrigger(str(tmp_path / "patch.png"), 1, 2, size=2).pattern.shape == (3, 2, 2)
    (tmp_path / "broken.png").write_bytes(b"no image")
    for name in ("broken.png", "absent.png"):
        with pytest.raises(ValueError, match=r"^ImageTrigger: path = .*\.png; must be a readable image$"):
            ImageTrigger(str(tmp_path / name), 1, 2)


def test_attacks_and_their_triggers_are_written_in_configs() -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--attack", type=PoisoningAttack)
    trigger = {"class_path": "datamodules.poisoning.RandomTrigger", "init_args": {"shape": [1, 8, 8], "size": 2}}
    config = {"class_path": "datamodules.poisoning.SleeperAgent", "init_args": {"trigger": trigger, "steps": 3}}
    made = parser.instantiate_classes(parser.parse_object({"attack": config})).attack
    assert repr(made) == "SleeperAgent(trigger=RandomTrigger(shape=[1, 8, 8], size=2), steps=3)"
