"""Draw ``idea.svg``: noisy copies of a point, their votes, and the certified ball."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from torch import nn

from smoothing.certifiers import ClopperPearson
from smoothing.measures import Gaussian
from smoothing.votes import Ballots, NetworkVotes

SIGMA, DRAWS = 0.5, 1000
COLOURS = ["#f4b183", "#9dc3e6"]
STYLE = {"svg.hashsalt": "idea", "svg.fonttype": "none", "font.family": "sans-serif"}


class Wavy(nn.Module):
    """Two classes on either side of a wavy line in the plane."""

    def forward(self, x):
        """Return logits of points ``(batch, 2)``."""
        side = x[:, 1] + 0.45 * torch.sin(2.5 * x[:, 0]) + 0.35
        return torch.stack([-side, side], 1)


def draw() -> plt.Figure:
    """Return the figure. Radius and votes are computed by this project."""
    point, measure = torch.zeros(1, 2), Gaussian(SIGMA)
    votes = NetworkVotes(Wavy(), num_classes=2)
    ballots = Ballots(measure, votes, point, torch.zeros(1, dtype=torch.long), seed=0)
    certificate = ClopperPearson(n=DRAWS).certify(ballots)
    radius, lost = certificate.radius.item(), float(np.exp(certificate.log_fail.item()))
    copies = measure.sample_many(point[0], 300, torch.Generator().manual_seed(0))

    axis = np.linspace(-1.8, 1.8, 121)
    grid = torch.from_numpy(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))
    sides = Wavy()(grid).argmax(1).reshape(121, 121)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.8), layout="constrained")
    for panel in (left, right):
        panel.contourf(axis, axis, sides, levels=[-0.5, 0.5, 1.5], colors=COLOURS, alpha=0.45)
        panel.set(aspect="equal", xticks=[], yticks=[], xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))
    colours = ListedColormap(["#c55a11", "#2e75b6"])
    left.scatter(*copies.T, c=Wavy()(copies).argmax(1), cmap=colours, s=6)
    left.set_title("1. Randomise the object")
    won = certificate.n_a.item() / DRAWS
    middle.bar(["other class", "predicted class"], [1 - won, won], color=COLOURS)
    middle.axhline(lost, color="#c55a11", linestyle="--")
    middle.text(1.45, lost + 0.015, "upper bound on lost votes", ha="right", color="#7f3a0b")
    middle.axhline(0.5, color="black", linewidth=0.8)
    middle.text(-0.45, 0.515, "one half")
    middle.set(ylim=(0, 1), title="2. Bound the vote", ylabel="fraction of votes")
    right.add_patch(plt.Circle((0, 0), radius, fill=False, linewidth=2))
    right.plot([0, radius], [0, 0], color="black", linewidth=1)
    right.text(radius / 2, 0.06, "r", ha="center", style="italic")
    right.set_title("3. Turn the bound into a radius")
    for panel in (left, right):
        panel.plot(0, 0, "k.", markersize=9)
    return figure


if __name__ == "__main__":
    mpl.rcParams.update(STYLE)
    draw().savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})
