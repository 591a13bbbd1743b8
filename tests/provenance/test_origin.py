import pytest

from smoothing.provenance.origin import Origin


@pytest.mark.parametrize(
    "text",
    [
        "MNIST",
        "A train",
        "MNIST train",
        "MNIST train[30000:60000]",
        "CIFAR10 test[:5000]",
        "A b test[7:]",
        "classes 1, 7 of A train",
    ],
)
def test_parsing_inverts_printing(text: str) -> None:
    assert str(Origin.parse(text)) == text
    assert bool(Origin.parse(text).part) == (" " in text)
    assert Origin.parse(f" {text} ") == Origin.parse(text)


@pytest.mark.parametrize(
    "text", ["", "MNIST train[1]", "MNIST [1:2]", "MNIST train[-5:]", "A b[3:3]", "A test[3:3]", "MNIST[1:2]"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Origin: .*; must be"):
        Origin.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("MNIST", "FashionMNIST", False),
        ("MNIST", "MNIST test[5:6]", True),
        ("MNIST train", "MNIST test", False),
        ("MNIST train[:30000]", "MNIST train[30000:]", False),
        ("MNIST train[:30001]", "MNIST train[30000:]", True),
        ("MNIST train[10:20]", "MNIST train[12:14]", True),
        ("MNIST train[:10]", "MNIST train[10:20]", False),
        ("MNIST train[:10]", "MNIST test[:10]", False),
        ("MNIST train", "MNIST train[59999:]", True),
        ("CIFAR-10 train", "CIFAR10 train[:5000]", True),
        ("CIFAR 10 train", "CIFAR10 train", True),
        ("cifar_10", "CIFAR10 test[5:6]", True),
        ("CIFAR-10 test", "CIFAR10 train", False),
        ("mnist train[:10]", "MNIST train[10:20]", False),
        ("MNIST Train", "MNIST train", True),
        ("CIFAR10 training set", "CIFAR10 train", True),
        ("ImageNet-1k, CIFAR-10 train", "CIFAR10 train", True),
        ("classes 1,7 of MNIST", "MNIST train", True),
        ("Fashion-MNIST train", "MNIST train", False),
        ("Fashion-MNIST train", "FashionMNIST train", True),
        ("CIFAR100 train", "CIFAR10 train", False),
        ("CIFAR-100 train", "CIFAR-10 train", False),
        ("ImageNet-1k train", "ImageNet train", True),
        ("ImageNet-21k", "ImageNet train", True),
        ("ImageNet-21k train[:10]", "ImageNet-1k train[10:]", True),
        ("IMAGENET1K_V1", "ImageNet train", True),
        ("CIFAR-10-C test", "CIFAR10 train", True),
        ("mnist_784", "MNIST train", True),
    ],
)
def test_overlap_of_positions(one: str, other: str, overlap: bool) -> None:
    assert Origin.parse(one).overlaps(Origin.parse(other)) is overlap
    assert Origin.parse(other).overlaps(Origin.parse(one)) is overlap


def test_overlap_of_classes() -> None:
    ones, others = Origin("MNIST", classes=(1, 7)), Origin("MNIST", "train", classes=(0, 2))
    assert not ones.overlaps(others)
    assert ones.overlaps(Origin("MNIST", "train"))
    assert ones.overlaps(Origin("MNIST", classes=(7, 8)))
    assert str(others) == "classes 0, 2 of MNIST train"


def test_examples_chosen_by_labels_are_detected() -> None:
    """What is trained on two classes of three loses an image whose label leaves them, be it looked at or not."""
    threes, part = Origin("A", "train"), Origin("A", "train", classes=(1, 7))
    assert part.chosen_by_labels_of(threes)
    assert part.chosen_by_labels_of(Origin("A", "train", classes=(1, 2)))
    assert not part.chosen_by_labels_of(Origin("A", "train", classes=(7, 1)))
    assert not part.chosen_by_labels_of(Origin("A", "train", classes=(0, 2)))
    assert not part.chosen_by_labels_of(Origin("A", "test"))
    assert not threes.chosen_by_labels_of(part)
    assert not Origin("A", "train", classes=(1, 2, 7)).chosen_by_labels_of(part)
