"""Features on disk are those of the encoder to the bit, and features of other encoders or inputs are refused."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lightning_modules.encoders import Encoder, FastICA, FeatureNetwork, KMeansPatches, PretrainedEncoder
from lightning_modules.encoders.feature_store import FeatureStore, default_folder
from smoothing.provenance.origin import Origin


class Counting(Encoder):
    """Sums of inputs, times a weight."""

    weight: Tensor

    def __init__(self, weight: float = 1.0, size: int = 1) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(weight))
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        CALLS.append(len(x))
        return self.weight * x.flatten(1).sum(1, keepdim=True)


CALLS: list[int] = []


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def blocks(number: int) -> tuple[Tensor, ...]:
    return torch.rand(4 * number, 1, 8, 8, generator=torch.Generator().manual_seed(0)).split(4)


def test_each_block_is_encoded_once_and_the_first_is_compared(tmp_path: Path) -> None:
    first = [FeatureStore(Counting(), tmp_path)(x) for x in blocks(3)]
    assert CALLS == [4] * 3
    store = FeatureStore(Counting(), tmp_path)
    again = [store(x) for x in blocks(5)]
    assert CALLS == [4] * 3 + [4] + [4] * 2
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=False))
    assert all(torch.equal(kept, Counting()(x)) for kept, x in zip(again, blocks(5), strict=True))


@pytest.mark.parametrize(
    "make",
    [
        lambda: KMeansPatches(8, 4, samples=200),
        lambda: FastICA(5, iterations=20),
        lambda: PretrainedEncoder(FeatureNetwork([1, 8, 8], 4, 2), "A"),
    ],
)
def test_equal_encoders_share_features_and_others_do_not(make: Callable[[], Encoder], tmp_path: Path) -> None:
    def made(seed: int) -> Encoder:
        torch.manual_seed(seed)
        encoder = make()
        encoder.serve(Origin("B", "train", stop=next(sizes)))
        encoder.fit(torch.rand(40, 1, 8, 8))
        return encoder

    sizes = count(1)
    x = blocks(1)[0]
    for seed, folders in ((0, 1), (0, 1), (1, 2)):
        features = FeatureStore(made(seed), tmp_path)(x)
        assert torch.equal(features, made(seed)(x))
        assert len(list(tmp_path.iterdir())) == folders
    assert len(list(tmp_path.glob("*/*"))) == 2


@pytest.mark.parametrize("other", [Counting(2.0), Counting(size=2), torch.nn.Sequential(Counting())])
def test_weights_arguments_and_class_are_told_apart(other: Encoder, tmp_path: Path) -> None:
    x = blocks(1)[0]
    FeatureStore(Counting(), tmp_path)(x)
    FeatureStore(other, tmp_path)(x)
    assert len(list(tmp_path.iterdir())) == 2


def kept(folder: Path, encoder: Encoder, x: Tensor) -> Path:
    before = set(folder.glob("*/*"))
    FeatureStore(encoder, folder)(x)
    (file,) = set(folder.glob("*/*")) - before
    return file


@pytest.mark.parametrize("difference", ["weights", "inputs"])
def test_features_of_another_encoder_or_of_other_inputs_are_refused(difference: str, tmp_path: Path) -> None:
    x, y = blocks(2)
    mine = kept(tmp_path, Counting(), x)
    other = kept(tmp_path, Counting(2.0), x) if difference == "weights" else kept(tmp_path, Counting(), y)
    mine.write_bytes(other.read_bytes())
    with pytest.raises(ValueError, match=r"^keep_features: .*; holds features of other weights, arguments or inputs"):
        FeatureStore(Counting(), tmp_path)(x)


@pytest.mark.parametrize("place", [4, 50, -1])
@pytest.mark.parametrize("cut", [False, True])
def test_a_damaged_file_is_refused(place: int, cut: bool, tmp_path: Path) -> None:
    x, y = blocks(2)
    file = kept(tmp_path, Counting(), x)
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content[:place] if cut else content)
    store = FeatureStore(Counting(), tmp_path)
    store(y)
    with pytest.raises(ValueError, match=r"^keep_features: .*; (is damaged|holds features of other weights)"):
        store(x)


def test_features_with_other_bits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of other code that does not change the identity."""
    x = blocks(1)[0]
    FeatureStore(Counting(), tmp_path)(x)
    monkeypatch.setattr(Counting, "forward", lambda self, x: (x.flatten(1).sum(1, keepdim=True)).nextafter(x.max()))
    with pytest.raises(ValueError, match="has other bits, of other code or hardware; must be removed"):
        FeatureStore(Counting(), tmp_path)(x)


def test_an_unfinished_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    x = blocks(1)[0]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            FeatureStore(Counting(), tmp_path)(x)
    assert not list(tmp_path.glob("*/*.safetensors"))
    assert torch.equal(FeatureStore(Counting(), tmp_path)(x), Counting()(x))


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"^keep_features: .*file/.*; must be a file that can be written: Not a dir"):
        FeatureStore(Counting(), tmp_path / "file")(blocks(1)[0])


def test_the_default_folder_is_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "smoothing/features"
    FeatureStore(Counting())(blocks(1)[0])
    assert len(list(default_folder().glob("*/*.safetensors"))) == 1


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (True, "features were learned from ImageNet's labels, and from none of CIFAR10 train"),
        (False, "features were learned from ImageNet's inputs"),
    ],
)
def test_certificates_state_what_the_features_were_learned_from(labels: bool, said: str) -> None:
    encoder = PretrainedEncoder(FeatureNetwork([1, 8, 8], 4, 2), "ImageNet", labels)
    encoder.serve(Origin("CIFAR10", "train"))
    assert encoder.assumptions == (said,)
