import torch
from torch import nn

from smoothing.attacks import Draws, smoothed_loss
from smoothing.measures import Gaussian

X = torch.rand(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.tensor([0, 1, 2, 0, 1])


def network(scale: float = 1.0, dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(0)
    made = nn.Linear(4, 3, dtype=dtype)
    made.weight.data *= scale
    return made


def test_the_loss_is_the_log_odds_of_the_other_classes():
    draws = Draws(Gaussian(0.5), 7, (1, 2))
    net = network()
    prediction = net(draws(X)).softmax(1).unflatten(0, (7, 5)).mean(0)
    p = prediction[torch.arange(5), LABELS]
    torch.testing.assert_close(smoothed_loss(net, draws, X, LABELS), torch.log((1 - p) / p))


def test_the_gradient_does_not_vanish_where_the_prediction_rounds_to_one():
    draws = Draws(Gaussian(0.01), 7, (1, 2))
    net = network(1e4, torch.float32)
    x = X.float().requires_grad_()
    labels = net(x).argmax(1)
    assert (net(x).softmax(1).amax(1) == 1).all()
    (gradient,) = torch.autograd.grad(smoothed_loss(net, draws, x, labels).sum(), x)
    assert (gradient.norm(dim=1) > 1).all()
