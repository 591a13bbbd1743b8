import pytest

from smoothing.source import Source


@pytest.mark.parametrize(
    "text", ["MNIST", "CIFAR10 test[0:5000]", "classes 1, 7 of MNIST train", "LAION 2B", "MNIST train[50:]"]
)
def test_it_is_spelled_as_it_is_read(text: str) -> None:
    assert str(Source.parse(text)) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MNIST", "MNIST train[5:7]"),
        ("CIFAR-10", "CIFAR10 test"),
        ("MNIST train[0:6]", "MNIST train[5:]"),
        ("classes 1, 7 of MNIST", "classes 7, 8 of MNIST train"),
        ("classes 1, 7 of MNIST", "MNIST test"),
    ],
)
def test_sources_that_share_examples_overlap(one: str, other: str) -> None:
    assert Source.parse(one).overlaps(Source.parse(other))
    assert Source.parse(other).overlaps(Source.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MNIST", "FashionMNIST"),
        ("MNIST train", "MNIST test"),
        ("MNIST train[0:5]", "MNIST train[5:10]"),
        ("classes 1, 7 of MNIST", "classes 0, 2 of MNIST"),
    ],
)
def test_sources_that_share_none_do_not(one: str, other: str) -> None:
    assert not Source.parse(one).overlaps(Source.parse(other))
    assert not Source.parse(other).overlaps(Source.parse(one))


@pytest.mark.parametrize("text", ["", " ", "MNIST train[5:5]", "MNIST train[7:5]"])
def test_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="source: "):
        Source.parse(text)
