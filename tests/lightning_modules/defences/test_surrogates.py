"""Networks that attacks are crafted on."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from datamodules.poisoning import LabelConsistent, PoisonFrogs, PoisoningAttack, RandomTrigger, WitchesBrew
from lightning_modules.defences import (
    AdversarialTraining,
    CertifiedVote,
    DefenceTrials,
    DenoiseTrainingImages,
    NoDefence,
    Surrogate,
    TrainedNetwork,
    Training,
)
from lightning_modules.defences.surrogate import SURROGATE
from smoothing.certifiers import Plurality
from smoothing.measures import Gaussian, UnchangedExamples
from smoothing.provenance.origin import Origin
from smoothing.votes import Partitions, Ridge
from tests.lightning_modules.defences.bodies import Flat, Tiny, blobs

TRAINING = Training(network=Tiny(), epochs=2, learning_rate=0.1)
ROBUST = AdversarialTraining(0.1, steps=2)


@dataclass
class Data:
    """Clean data with three attacks."""

    num_classes: int = 2
    origins: tuple[Origin, ...] = (Origin("A"),)
    attacks: dict[str, PoisoningAttack] = field(
        default_factory=lambda: {
            "frogs": PoisonFrogs(),
            "brew": WitchesBrew(),
            "consistent": LabelConsistent(RandomTrigger([1, 4, 4], 1)),
        }
    )

    def training_set(self) -> tuple[Tensor, Tensor]:
        return blobs()


def trials(*surrogates: Surrogate, training: Training = TRAINING) -> DefenceTrials:
    return DefenceTrials(training, {"none": NoDefence()}, list(surrogates) or None)


def outputs(networks: list[nn.Module]) -> list[Tensor]:
    x, _ = blobs(seed=1)
    with torch.no_grad():
        return [network(x) for network in networks]


def trained(number: int, defence: AdversarialTraining | NoDefence, training: Training = TRAINING) -> Tensor:
    """Logits of a network that is trained without `DefenceTrials`."""
    made = defence.classifier(*blobs(), 2, training, (0, SURROGATE, number))
    assert isinstance(made, TrainedNetwork)
    return outputs([made.network])[0]


def test_by_default_the_attacker_knows_the_recipe() -> None:
    (found,) = trials().surrogates.networks(Data(), "brew")
    assert torch.equal(outputs([found])[0], trained(0, NoDefence()))
    assert found.trained_on == (Origin("A"),)


def test_an_attack_is_crafted_on_the_surrogates_that_name_it() -> None:
    model, data = trials(Surrogate(defence=ROBUST, attacks=["consistent"])), Data()
    (robust,) = outputs(model.surrogates.networks(data, "consistent"))
    assert torch.equal(robust, trained(1, ROBUST))
    assert not torch.equal(robust, trained(1, NoDefence()))
    # Other attacks are crafted on the same network as without this surrogate.
    (plain,) = outputs(model.surrogates.networks(data, "brew"))
    assert torch.equal(plain, outputs(trials().surrogates.networks(data, "brew"))[0])


def test_other_attacks_are_crafted_on_all_that_name_none() -> None:
    other = Training(network=Tiny(norm=True), epochs=1)
    model, data = trials(Surrogate(), Surrogate(None, ROBUST, ["consistent"]), Surrogate(other)), Data()
    found = outputs(model.surrogates.networks(data, "brew"))
    expected = [trained(0, NoDefence()), trained(2, NoDefence(), other)]
    assert all(torch.equal(one, another) for one, another in zip(found, expected, strict=True))


def test_attacks_on_features_use_a_frozen_body_or_the_last_hidden_layer() -> None:
    data, body = Data(), Flat()
    assert trials(training=Training(body)).surrogates.networks(data, "frogs") == [body]
    model = trials()
    (hidden,), (network,) = model.surrogates.networks(data, "frogs"), model.surrogates.networks(data, "brew")
    assert torch.equal(outputs([hidden])[0], outputs([network.layers[:3]])[0])  # type: ignore[index,list-item]


def test_unknown_attacks_are_named() -> None:
    with pytest.raises(ValueError, match=r"^Surrogate: attacks = 'absent'; must be one of frogs, brew, consistent"):
        trials(Surrogate(attacks=["absent"])).check(Data())


@pytest.mark.parametrize(
    "defence",
    [
        DenoiseTrainingImages(Gaussian(0.1), models=2),
        CertifiedVote(Partitions(Ridge(), parts=3), Plurality(), UnchangedExamples()),
    ],
)
def test_defences_that_train_no_single_network_are_refused(
    defence: DenoiseTrainingImages | CertifiedVote,
) -> None:
    with pytest.raises(ValueError, match=r"^Surrogate: defence = .*; must be a defence that trains one network"):
        Surrogate(defence=defence)
    assert Surrogate(defence=DenoiseTrainingImages(Gaussian(0.1))).defence is not None


def test_the_identity_of_a_run_depends_on_its_surrogates() -> None:
    plain = trials().parts
    assert plain["surrogates.0"] is TRAINING
    assert plain["surrogates.0.defence"] is None
    robust = trials(Surrogate(defence=ROBUST, attacks=["consistent"])).parts
    assert robust["surrogates.1.defence"] is ROBUST
    assert robust["surrogates.1.attacks"] == ["consistent"]
