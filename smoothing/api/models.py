"""Conversion of models to votes on the test input."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from smoothing.votes.network import NetworkVotes, logits_of
from smoothing.votes.scikit_learn import SklearnVotes, is_fitted
from smoothing.votes.votes import Votes


class Function(nn.Module):
    """A function from inputs ``(batch, ...)`` to logits or scores ``(batch, K)`` as a network.

    Args:
        function: Gets a tensor and returns a tensor, or an array or an output with ``logits``.
    """

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        """Return the output of the function; arrays as tensors on the device of the inputs."""
        output = self.function(x)
        return torch.as_tensor(output, device=x.device) if hasattr(output, "__array__") else output


def is_estimator(model: Any) -> bool:
    """Return whether a model is a classifier of scikit-learn."""
    return not isinstance(model, nn.Module) and hasattr(model, "predict") and hasattr(model, "fit")


def votes_of(model: Any, first: Tensor) -> Votes:
    """Return the votes of a model.

    Args:
        model: Votes on the test input, a network, a fitted classifier of scikit-learn, or a function.
        first: The first input, for the number of classes.

    Raises:
        ValueError: If the model is none of these, is not fitted, or has no logits.
    """
    if isinstance(model, Votes):
        if model.object != "test input" or not model.trained:
            raise ValueError(
                f"certify: model = {type(model).__name__}; must be trained, and vote on the test input. Labels and "
                "training sets are certified by estimators and configs"
            )
        return model
    if is_estimator(model):
        if not is_fitted(model):
            raise ValueError(f"certify: model = {type(model).__name__} is not fitted; must be a fitted classifier")
        return SklearnVotes(model)
    if not callable(model) or isinstance(model, type):
        raise ValueError(
            f"certify: model = {model if isinstance(model, type) else type(model).__name__}; must be a "
            "torch.nn.Module, a function or a fitted classifier of scikit-learn"
        )
    network = model if isinstance(model, nn.Module) else Function(model)
    classes = getattr(network, "num_classes", None)
    return NetworkVotes(network, None if isinstance(classes, int) else _classes(network, first))


def _classes(network: nn.Module, x: Tensor) -> int:
    """Return the number of logits of a network for one input."""
    copy = deepcopy(network).eval()
    weights = next(copy.parameters(), None)
    # A batch of two shows that logits have a row for each input.
    batch = torch.stack([x, x]).float().to(x.device if weights is None else weights.device)
    try:
        with torch.no_grad():
            logits = logits_of(copy(batch.to(batch.dtype if weights is None else weights.dtype)), "certify: model")
    except RuntimeError as error:
        raise ValueError(f"certify: model fails on inputs of shape {list(batch.shape)}: {error}") from error
    if logits.ndim != 2 or len(logits) != 2 or logits.shape[1] < 2:
        raise ValueError(
            f"certify: model gives shape {list(logits.shape)} for 2 inputs; must be logits (batch, num_classes) with "
            "at least two classes"
        )
    return int(logits.shape[1])
