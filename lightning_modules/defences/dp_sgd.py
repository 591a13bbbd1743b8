"""Training with differential privacy."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lightning_modules.defences.defence import DEFENCE, Defence
from lightning_modules.defences.intervention import Intervention, TrainingState
from lightning_modules.defences.training import Training
from smoothing.arguments import inside, positive
from smoothing.numerics.random import generator


class DPSGD(Defence):
    """Clips the gradient of each example and adds noise, so that one example moves little (Abadi et al. 2016).

    The noise is the smallest for which Opacus accounts for ``(epsilon, delta)``-differential privacy of the training.
    Batches are Poisson samples. The random numbers are not secret: this is a defence, not a mechanism for privacy.

    Args:
        epsilon: Privacy loss, above 0.
        delta: Probability of a larger one, within (0, 1).
        clip: Largest l2 norm of the gradient of an example, above 0.

    Raises:
        ValueError: If an argument is out of its range. `defend` raises it if Opacus is not installed, the network mixes
            examples of a batch, or no noise suffices.
    """

    def __init__(self, epsilon: float = 1.0, delta: float = 0.05, clip: float = 1.0) -> None:
        positive(self, epsilon=epsilon)
        inside(self, 0, 1, delta=delta)
        positive(self, clip=clip)
        self.epsilon = epsilon
        self.delta = delta
        self.clip = clip

    def check(self, examples: int, training: Training) -> None:
        """Raise unless Opacus is installed, can train the network and knows enough noise; see `Defence.check`."""
        validator = _opacus("validators").ModuleValidator
        if training.network is not None and (errors := validator.validate(training.network, strict=False)):
            found = " ".join(str(errors[0]).split())
            raise ValueError(f"DPSGD: network; must have no layer that mixes the examples of a batch: {found}")
        self.noise_multiplier(examples, training)

    def intervention(self) -> Intervention:
        """Return clipping and noise."""
        return _Private(self)

    def noise_multiplier(self, examples: int, training: Training) -> float:
        """Return the standard deviation of the noise as a multiple of ``clip``.

        Args:
            examples: Number of training examples.
            training: The training recipe.
        """
        utils = _opacus("accountants.utils")
        rate, steps = _schedule(examples, training.batch_size)
        try:
            return float(
                utils.get_noise_multiplier(
                    target_epsilon=self.epsilon,
                    target_delta=self.delta,
                    sample_rate=rate,
                    steps=steps * training.epochs,
                )
            )
        except ValueError as error:
            raise ValueError(
                f"DPSGD: epsilon = {self.epsilon}; must be a loss that some noise gives: {error}"
            ) from error


class _Private(Intervention):
    def __init__(self, defence: DPSGD) -> None:
        self._defence = defence

    def begin(
        self, state: TrainingState, optimiser: torch.optim.Optimizer, training: Training, key: Sequence[int]
    ) -> torch.optim.Optimizer:
        examples = len(state.labels)
        multiplier = self._defence.noise_multiplier(examples, training)
        # Opacus needs gradients of outputs only, so that inputs need none.
        warnings.filterwarnings("ignore", message="Full backward hook is firing", category=UserWarning)
        state.trained = _opacus("grad_sample").GradSampleModule(state.trained)
        made: torch.optim.Optimizer = _opacus("optimizers").DPOptimizer(
            optimiser,
            noise_multiplier=multiplier,
            max_grad_norm=self._defence.clip,
            expected_batch_size=min(training.batch_size, examples),
            generator=generator((*key, DEFENCE), state.x.device),
        )
        return made

    def batches(self, kept: Tensor, size: int, source: torch.Generator) -> Iterator[Tensor]:
        rate, steps = _schedule(len(kept), size)
        for _ in range(steps):
            yield kept[torch.rand(len(kept), generator=source) < rate]

    def end(self, state: TrainingState) -> None:
        wrapped: Any = state.trained
        state.trained = wrapped.to_standard_module()


def _schedule(examples: int, batch_size: int) -> tuple[float, int]:
    """Return the rate of the Poisson samples and the number of steps in an epoch."""
    return min(1.0, batch_size / examples), -(-examples // batch_size)


def _opacus(module: str) -> Any:
    """Import a module of Opacus, which takes seconds.

    Raises:
        ValueError: If it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(f"opacus.{module}")
    except ImportError as error:
        raise ValueError(
            f"DPSGD: {error}; must have Opacus installed: pip install 'smoothing-certificates[arena]'"
        ) from error
