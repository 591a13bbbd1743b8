"""Networks that attacks are crafted on."""

from collections.abc import Sequence
from types import NoneType

from lightning_modules.defences.defence import Defence
from lightning_modules.defences.training import Training
from smoothing.arguments import instance, refuse, sequence, text
from smoothing.representation import Represented


class Surrogate(Represented):
    """A network that the attacker trains on the clean training set, to craft attacks on.

    Args:
        training: Training recipe. Default: that of the victim (white box).
        defence: Defence that trains it, which must train one network: for example `AdversarialTraining` for the attack
            `LabelConsistent`. Default: ordinary training.
        attacks: Names of the attacks that are crafted on it, at least one. Default: all attacks that no surrogate
            names.

    Raises:
        ValueError: If an argument is of another type, or the defence trains several networks or none.
    """

    def __init__(
        self,
        training: Training | None = None,
        defence: Defence | None = None,
        attacks: Sequence[str] | None = None,
    ) -> None:
        instance(self, (Training, NoneType), training=training)
        instance(self, (Defence, NoneType), defence=defence)
        if defence is not None and not defence.trains_one_network:
            refuse(self, "defence", type(defence).__name__, "a defence that trains one network")
        if attacks is not None:
            sequence(self, attacks=attacks)
            for name in attacks:
                text(self, attacks=name)
            if not attacks:
                refuse(self, "attacks", [], "at least one name, or unset")
        self.training = training
        self.defence = defence
        self.attacks = None if attacks is None else list(attacks)
