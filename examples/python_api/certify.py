"""Train a network under Gaussian noise and certify its predictions, without a config."""

import torch
from sklearn.datasets import load_digits
from torch import nn

from smoothing import certify
from smoothing.measures import Gaussian

SIGMA = 0.25

images, digits = (torch.from_numpy(array) for array in load_digits(return_X_y=True))
images = images.float() / 16
x_train, y_train, x_test, y_test = images[:1200], digits[:1200], images[1200:1260], digits[1200:1260]

torch.manual_seed(0)
network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
for _ in range(300):
    noisy = x_train + SIGMA * torch.randn_like(x_train)
    loss = nn.functional.cross_entropy(network(noisy), y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

certified = certify(network, x_test, Gaussian(SIGMA), n=1000, y=y_test)
for radius in (0.0, 0.25, 0.5):
    print(f"certified accuracy at {radius:.2f}: {certified.certified_accuracy(r=radius):.3f}")
