"""Certificates of a trained model in one call."""

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import nn

from smoothing.api.certified import Certified
from smoothing.api.examples import Encode, Examples, class_labels, class_numbers
from smoothing.api.models import Function, is_estimator, votes_of
from smoothing.arguments import instance
from smoothing.certifiers.sampled.clopper_pearson import ClopperPearson
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.scikit_learn import SklearnVotes

CERTIFIER = "ClopperPearson"
"""Name of the certifier in tables."""


def certify(
    model: Any,
    x: Any,
    measure: SmoothingMeasure,
    n: int = 10_000,
    alpha: float = 0.001,
    n0: int = 100,
    seed: int = 0,
    batch_size: int = 64,
    y: Any = None,
    run_dir: str | Path | None = None,
    progress_bar: bool = False,
) -> Certified:
    """Certify the predictions of a trained model under noise on its input (Cohen et al. 2019, CERTIFY).

    The majority vote of the model under the measure is certified: the class that it predicts most often. Certificates
    are those of `ClopperPearson` with `NeymanPearson`.

    Args:
        model: A ``torch.nn.Module`` or a function from inputs ``(batch, ...)`` to logits or scores ``(batch, K)``; or a
            fitted classifier or pipeline of scikit-learn, whose ``predict`` is the base classifier, on the CPU.
        x: Examples: a tensor, an array, a data frame or a list ``(n, ...)``; or a data set or loader of inputs, or of
            pairs of an input and a label. Networks get float32 numbers on the scale on which they are given.
        measure: Measure that randomises the inputs, such as ``Gaussian(0.25)``. Its unit is that of ``x``.
        n: Number of draws that bound the vote.
        alpha: Failure probability of each certificate, within (0, 1).
        n0: Number of draws that select the class, at least 1.
        seed: Root seed of all draws, at least 0. Equal arguments give equal certificates, for any ``batch_size``.
        batch_size: Examples per batch, at least 1.
        y: True classes ``(n,)``: class numbers, or the class labels of a classifier of scikit-learn. By default the
            labels in ``x``, if any. Without them, certified accuracy needs them later.
        run_dir: Directory in which every finished example is kept, with table, curve, figure and provenance. Call
            again with equal arguments to resume. By default nothing is written.
        progress_bar: Whether to show a progress bar.

    Returns:
        The certificates, one per example, in the order of ``x``.

    Raises:
        ValueError: If an argument is not as described, or the directory belongs to another run.

    Example:
        >>> import numpy as np
        >>> from sklearn.linear_model import LogisticRegression
        >>> from smoothing import certify
        >>> from smoothing.measures import Gaussian
        >>> x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), ["low", "low", "high", "high"]
        >>> certified = certify(LogisticRegression().fit(x, y), x, Gaussian(0.5), n=1000)
        >>> certified.prediction.tolist()
        ['low', 'low', 'high', 'high']
        >>> bool((certified.radius > 0.5).all())
        True
    """
    instance("certify", SmoothingMeasure, measure=measure)
    certifier = ClopperPearson(n0=n0, n=n, alpha=alpha)
    if run_dir is not None:
        _check_source(model)
    given = Examples(x, images=not is_estimator(model))
    votes = votes_of(model, given.first)
    classes = votes.classes.tolist() if isinstance(votes, SklearnVotes) else None
    encode: Encode = class_numbers(votes.num_classes) if classes is None else class_labels(classes)
    examples = given.labelled_by(y, encode)
    if run_dir is not None and not examples.labelled:
        raise ValueError("certify: run_dir is given without y; y must be given too, since the table has true classes")

    # Lightning takes seconds to import. Bad arguments are reported before.
    from datamodules.given_examples import GivenExamples
    from lightning_modules import Certification
    from smoothing.api.session import Session

    data = GivenExamples(examples, votes.num_classes, batch_size)
    module = Certification(measure, votes, {CERTIFIER: certifier}, seed=seed)
    session = Session(module, data, _accelerator(model), progress_bar)
    table = session.compute() if run_dir is None else session.run(run_dir)
    return Certified(table, measure.distance, examples.labelled, encode, classes, session)


def _accelerator(model: Any) -> str:
    """Return the accelerator. Functions and classifiers of scikit-learn compute on the CPU."""
    if isinstance(model, nn.Module) and not isinstance(model, Function) and torch.cuda.is_available():
        return "gpu"
    return "cpu"


def _check_source(model: Any) -> None:
    """Raise if the code of a function cannot be identified, so that a resumed run could mix two functions."""
    if not inspect.isfunction(model):
        return
    try:
        inspect.getsource(model)
    except (OSError, TypeError):
        raise ValueError(
            f"certify: model = {model.__name__} has no source file; must have one, or be a torch.nn.Module, if run_dir "
            "is given: a resumed run checks that the code is the same"
        ) from None
