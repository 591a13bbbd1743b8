"""Craft poisons on CIFAR-10 with every attack, and print a table: `python results/arena/craft.py WEIGHTS [TARGETS]`.

The body is a ResNet-20 trained on the training images of CIFAR-10, frozen. Poisons are 25 of the first 2,500 test
images, targets are among the last 5,000, so that the body has seen neither.
"""

import sys
from time import process_time

from torch import nn

from datamodules import CIFAR10
from datamodules.poisoning import (
    Budget,
    BullseyePolytope,
    ConvexPolytope,
    HiddenTrigger,
    LabelConsistent,
    PoisonFrogs,
    PoisoningAttack,
    RandomTrigger,
    SleeperAgent,
    WitchesBrew,
    draw_setups,
)
from lightning_modules.architectures import CifarResNet
from lightning_modules.networks.bodies import ClassifierBody

BUDGET = Budget(25, 8 / 255)
TRIGGER = RandomTrigger((3, 32, 32), 5)
LARGE_TRIGGER = RandomTrigger((3, 32, 32), 8)


def attacks(body: nn.Module, network: nn.Module) -> list[tuple[PoisoningAttack, nn.Module]]:
    """Return each attack with the network that it crafts on."""
    return [
        (PoisonFrogs(), body),
        (ConvexPolytope(steps=200), body),
        (BullseyePolytope(steps=200), body),
        (HiddenTrigger(TRIGGER, steps=200), body),
        (LabelConsistent(TRIGGER), network),
        (WitchesBrew(steps=100, restarts=1), network),
        (SleeperAgent(LARGE_TRIGGER, steps=100, sources=200), network),
    ]


def main(weights: str, targets: str = "3") -> None:
    """Print the table of some targets."""
    data = CIFAR10(training="test[0:2500]", tests="test[5000:10000]")
    data.setup()
    network = CifarResNet(20, weights=weights)
    body = ClassifierBody(network, trained_on=["CIFAR10 train"])
    network.requires_grad_(False)
    # Gradients of the head alone are matched.
    network.body.linear.requires_grad_(True)
    print("| target | attack | loss before | after | CPU seconds |\n|---|---|---|---|---|")
    for setup in draw_setups(data, int(targets), BUDGET.count):
        for attack, crafted_on in attacks(body, network):
            start = process_time()
            poisons = attack.craft(data, setup, BUDGET, [crafted_on])
            seconds = process_time() - start
            losses = f"{poisons.loss_before:.4f} | {poisons.loss_after:.4f}"
            print(f"| {setup.target} | `{attack}` | {losses} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
