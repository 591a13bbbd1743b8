from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datamodules.texts import to_bytes
from lightning_modules.encoders import TfidfSVD, WordVectors

TEXTS = ["good film good", "bad film", "bad, bad plot", "good plot twist", "a film plot"]


def test_tfidf_equals_the_formula() -> None:
    encoder = TfidfSVD(3, words_in_a_row=1, min_texts=1)
    encoder.fit(to_bytes(TEXTS))
    words = ["bad", "film", "good", "plot", "twist"]
    counts = np.array([[text.replace(",", "").split().count(word) for word in words] for text in TEXTS], float)
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0)
    weights *= np.log(6 / (1 + (counts > 0).sum(0))) + 1
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    axes = np.linalg.svd(weights)[2]
    features = encoder(to_bytes(TEXTS)).numpy()
    # Singular vectors have either sign.
    np.testing.assert_allclose(np.abs(features), np.abs(weights @ axes[:3].T), atol=1e-5)


def test_features_of_a_text_are_its_own() -> None:
    encoder = TfidfSVD(2, min_texts=1)
    encoder.fit(to_bytes(TEXTS))
    together = encoder(to_bytes(TEXTS))
    # Another length of rows, and none beside it.
    alone = torch.cat([encoder(to_bytes([text])) for text in TEXTS])
    torch.testing.assert_close(together, alone)
    assert torch.equal(encoder(to_bytes(["", "unheard words"])), torch.zeros(2, 2))


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.npz"
    np.savez(path, words=np.array(["good", "film", "'s", ","]), vectors=np.eye(4, dtype=np.float32))
    return path


def test_word_vectors_are_averaged(vectors: Path) -> None:
    encoder = WordVectors(str(vectors))
    features = encoder(to_bytes(["Good film's good", "unheard", "film, ok?"]))
    torch.testing.assert_close(features, torch.tensor([[0.5, 0.25, 0.25, 0], [0, 0, 0, 0], [0, 0.5, 0, 0.5]]))
    assert [str(origin) for origin in encoder.trained_on] == ["vectors"]
    assert encoder.labels_of == ()


def test_relative_paths_are_looked_for_as_given_and_then_in_the_folder_of_data(
    vectors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMOOTHING_DATA", str(vectors.parent))
    assert WordVectors("vectors.npz").vectors.shape == (4, 4)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    np.savez("vectors.npz", words=np.array(["good"]), vectors=np.ones((1, 2)))
    assert WordVectors("vectors.npz").vectors.shape == (1, 2)


@pytest.mark.parametrize(
    "arrays",
    [
        {"words": np.array(["a"])},
        {"words": np.array(["a"]), "vectors": np.ones((2, 3))},
        {"words": np.array(["a"]), "vectors": np.full((1, 3), np.nan)},
    ],
)
def test_other_files_are_refused(arrays: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    with pytest.raises(ValueError, match=f"WordVectors: path = {path}; must be a readable file"):
        WordVectors(str(path))
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=f"WordVectors: path = {path}; must hold"):
        WordVectors(str(path))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match=f"WordVectors: path = {path}; must "):
        WordVectors(str(path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": 0}, "TfidfSVD: components = 0; must be at least 1"),
        ({"min_texts": 0}, "TfidfSVD: min_texts = 0; must be at least 1"),
        ({"components": 5, "vocabulary": 5}, "TfidfSVD: vocabulary = 5; must be at least 6"),
        ({"components": 5, "min_texts": 1, "words_in_a_row": 1}, "TfidfSVD: components = 5; must be less than 5"),
        ({"min_texts": 9}, "TfidfSVD: the training texts cannot be counted"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TfidfSVD(**arguments).fit(to_bytes(TEXTS))


def test_what_is_no_text_is_refused() -> None:
    encoder = TfidfSVD(2, min_texts=1)
    with pytest.raises(ValueError, match=r"TfidfSVD: inputs of shape \[1, 8, 8\] and torch.float32; must be texts"):
        encoder.fit(torch.zeros(3, 1, 8, 8))
    with pytest.raises(ValueError, match="TfidfSVD: an input is not a text in UTF-8"):
        encoder.fit(torch.full((3, 2), 255, dtype=torch.uint8))
