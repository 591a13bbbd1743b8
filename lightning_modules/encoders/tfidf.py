"""Latent semantic analysis."""

import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits
from torch import Tensor

from lightning_modules.encoders.texts import TextEncoder
from smoothing.arguments import at_least


class TfidfSVD(TextEncoder):
    """TF-IDF of words and word sequences, projected on leading singular vectors (Deerwester et al. 1990).

    A count c becomes ``1 + log c``, times the inverse document frequency. The counts of a text have length one.

    Args:
        components: Number of singular vectors, at least 1.
        words_in_a_row: Largest length of a sequence of words, at least 1.
        min_texts: Smallest number of training texts that a sequence occurs in, at least 1.
        vocabulary: Number of sequences to count, the most frequent ones, more than ``components``.
        seed: Seed of the search for singular vectors, at least 0.

    Raises:
        ValueError: If an argument is out of its range, or, in `fit`, the texts have too few words.
    """

    def __init__(
        self, components: int = 200, words_in_a_row: int = 2, min_texts: int = 5, vocabulary: int = 50000, seed: int = 0
    ) -> None:
        super().__init__()
        at_least(self, 1, components=components, words_in_a_row=words_in_a_row, min_texts=min_texts)
        at_least(self, components + 1, vocabulary=vocabulary)
        at_least(self, 0, seed=seed)
        self.components = components
        self._counts = TfidfVectorizer(
            sublinear_tf=True, ngram_range=(1, words_in_a_row), min_df=min_texts, max_features=vocabulary
        )
        self._axes = TruncatedSVD(components, random_state=seed)

    def fit(self, x: Tensor) -> None:
        """See `Encoder.fit`; texts ``(n, length)`` uint8."""
        texts = self.texts(x)
        try:
            counts = self._counts.fit_transform(texts)
        except ValueError as error:
            raise ValueError(f"TfidfSVD: the training texts cannot be counted: {error}") from error
        if self.components >= min(counts.shape):
            raise ValueError(f"TfidfSVD: components = {self.components}; must be less than {min(counts.shape)}")
        with threadpool_limits(1):
            self._axes.fit(counts)

    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(batch, components)`` of texts ``(batch, length)`` uint8."""
        with threadpool_limits(1):
            return torch.from_numpy(self._axes.transform(self._counts.transform(self.texts(x)))).float().to(x.device)
