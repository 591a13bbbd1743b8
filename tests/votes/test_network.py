"""Votes of a network: keys, reproducibility and refused arguments."""

import shutil
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch._dynamo.utils import counters

from smoothing.certifiers import ClopperPearson
from smoothing.measures import Gaussian, GaussianMixture, Laplace, SmoothingMeasure
from smoothing.numerics.random import generator
from smoothing.testing import VotesConformance
from smoothing.votes import Ballots, NetworkVotes, Votes
from smoothing.votes import network as network_module
from smoothing.votes.network import NOISE_BLOCK


def convolutional(seed: int = 0) -> nn.Module:
    """Network for three classes of 8 x 8 images after training: batch statistics, dropout, train mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64, 3),
        )
        network[1].running_mean.normal_()
        network[1].running_var.uniform_(0.5, 2)
    return network


def images(count: int) -> Tensor:
    return torch.rand(count, 2, 8, 8, generator=torch.Generator().manual_seed(1))


class Sign(nn.Module):
    """Class 1 if the sum of the input is positive, else class 0."""

    def forward(self, x: Tensor) -> Tensor:
        total = x.flatten(1).sum(1)
        return torch.stack([-total, total], 1)


class TestImages(VotesConformance):
    @pytest.fixture(params=["float32", "bfloat16"])
    def votes(self, request: pytest.FixtureRequest) -> Votes:
        return NetworkVotes(convolutional(), 3, precision=request.param)

    @pytest.fixture
    def x(self) -> Tensor:
        return images(3)

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Gaussian(1.0)


class TestVectors(VotesConformance):
    @pytest.fixture
    def votes(self) -> Votes:
        torch.manual_seed(0)
        return NetworkVotes(
            nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 4)), 4, noise_batch=2 * NOISE_BLOCK
        )

    @pytest.fixture
    def x(self) -> Tensor:
        return torch.rand(3, 5, generator=torch.Generator().manual_seed(1))

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Laplace(2.0)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_counts_do_not_depend_on_the_number_of_threads(precision: str, threads: None) -> None:
    votes, index = NetworkVotes(convolutional(), 3, precision=precision), torch.arange(3)
    seen = []
    for number in (1, 2, 3):
        torch.set_num_threads(number)
        seen.append(votes.counts(Gaussian(1.0), images(3), index, 1000, (0, 1)))
        assert torch.get_num_threads() == number
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


def test_noise_is_keyed_by_example_and_block() -> None:
    measure, x, index, draws = Gaussian(2.0), torch.tensor([[0.5, 0.2], [0.1, 0.0]]), torch.tensor([9, 4]), 300
    counts = NetworkVotes(Sign(), 2).counts(measure, x, index, draws, (5, 1))
    for row, number in enumerate(index.tolist()):
        noisy = [measure.sample_many(x[row], NOISE_BLOCK, generator((5, 1, number, block))) for block in range(3)]
        positive = int((torch.cat(noisy)[:draws].sum(1) > 0).sum())
        assert counts[row].tolist() == [draws - positive, positive]


def test_a_larger_pass_has_the_same_noise() -> None:
    arguments = (Gaussian(1.0), images(2), torch.tensor([0, 3]), 700, (0, 1))
    counts = [NetworkVotes(convolutional(), 3, noise_batch=k * NOISE_BLOCK).counts(*arguments) for k in (1, 2, 4)]
    assert torch.equal(counts[0], counts[1])
    assert torch.equal(counts[0], counts[2])


def test_each_draw_has_its_own_scale_of_a_mixture() -> None:
    class Loud(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            loudness = x.flatten(1).std(1)
            return torch.stack([torch.ones_like(loudness), loudness], 1)

    quiet, loud = NetworkVotes(Loud(), 2).counts(
        GaussianMixture([0.1, 10.0]), torch.zeros(1, 100), torch.tensor([0]), NOISE_BLOCK, (0, 1)
    )[0]
    assert min(quiet, loud) > NOISE_BLOCK / 4


def test_a_pass_has_one_shape_and_the_stated_type() -> None:
    class Watch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))
            self.seen: list[tuple[object, ...]] = []

        def forward(self, x: Tensor) -> Tensor:
            layout = x.is_contiguous(memory_format=torch.channels_last)
            self.seen.append((x.shape, x.dtype, self.scale.dtype, layout, self.training, torch.is_grad_enabled()))
            return x.flatten(1)[:, :3]

    votes = NetworkVotes(Watch(), 3, precision="float16")
    for draws in (1, NOISE_BLOCK + 1):
        votes.counts(Gaussian(1.0), images(2), torch.arange(2), draws, (0, 1))
    half = torch.float16
    expected = (torch.Size([NOISE_BLOCK, 2, 8, 8]), half, half, True, False, False)
    assert set(votes._network.seen) == {expected}


def test_the_given_network_is_not_changed() -> None:
    network = convolutional()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    NetworkVotes(network, 3, precision="bfloat16").counts(Gaussian(1.0), images(1), torch.arange(1), 10, (0, 1))
    assert network.training
    assert all(parameter.requires_grad and parameter.dtype == torch.float32 for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_lower_global_precision_has_no_effect() -> None:
    seen = []

    class Watch(Sign):
        def forward(self, x: Tensor) -> Tensor:
            seen.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.deterministic))
            return super().forward(x)

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        NetworkVotes(Watch(), 2).counts(Gaussian(1.0), torch.zeros(1, 2), torch.arange(1), 10, (0, 1))
        assert set(seen) == {("highest", True)}
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_the_mixed_precision_of_a_trainer_has_no_effect() -> None:
    types: set[torch.dtype] = set()

    class Listen(Sign):
        def forward(self, x: Tensor) -> Tensor:
            types.add((x.flatten(1) @ x.flatten(1).T).dtype)
            return super().forward(x)

    votes = NetworkVotes(Listen(), 2)
    with torch.autocast("cpu", torch.bfloat16):
        votes.fit(torch.zeros(0, 1, 2, 2), torch.zeros(0), 2)
        votes.counts(Gaussian(1.0), torch.zeros(1, 1, 2, 2), torch.arange(1), 10, (0, 1))
    assert types == {torch.float32}


def test_precision_and_compiling_are_recorded() -> None:
    rowwise = "the network maps each row of a batch independently of the others"
    assert NetworkVotes(Sign(), 2).assumptions == ("the classifier is the network in float32", rowwise)
    assert NetworkVotes(Sign(), 2, precision="bfloat16", compile=True).assumptions == (
        "the classifier is the network in bfloat16, compiled",
        rowwise,
    )


class Flawed(nn.Module):
    """Logits are not finite if the first coordinate exceeds 100."""

    def __init__(self, flaw: float) -> None:
        super().__init__()
        self.flaw = flaw

    def forward(self, x: Tensor) -> Tensor:
        first = x.flatten(1)[:, :1]
        return torch.where(first > 100, self.flaw, torch.cat([first, -first], 1))


@pytest.mark.parametrize("flaw", [float("nan"), float("inf"), -float("inf")])
def test_logits_that_are_not_finite_name_the_example(flaw: float) -> None:
    x, index = torch.zeros(3, 4), torch.tensor([20, 40, 60])
    x[1, 0] = 200.0
    votes = NetworkVotes(Flawed(flaw), 2)
    with pytest.raises(ValueError, match=r"^example 40: the network's logits are NaN or infinite; must be finite$"):
        votes.counts(Gaussian(1.0), x, index, 200, (0, 1))
    assert votes.counts(Gaussian(1.0), x[::2], index[::2], 200, (0, 1)).sum() == 400


def test_only_requested_draws_must_be_finite() -> None:
    x, index, measure = torch.full((1, 4), 98.5), torch.tensor([0]), Gaussian(1.0)
    noisy = measure.sample_many(x[0], NOISE_BLOCK, generator((0, 1, 0, 0)))
    sound = int((noisy[:, 0] > 100).long().argmax())
    assert sound > 0
    votes = NetworkVotes(Flawed(float("nan")), 2)
    assert votes.counts(measure, x, index, sound, (0, 1)).sum() == sound
    with pytest.raises(ValueError, match="example 0"):
        votes.counts(measure, x, index, sound + 1, (0, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "num_classes = None; must be given, since"),
        ({"num_classes": 1}, "num_classes = 1; must be at least 2"),
        ({"num_classes": 2, "noise_batch": 0}, "noise_batch = 0; must be a multiple of 128"),
        ({"num_classes": 2, "noise_batch": 200}, "noise_batch = 200; must be a multiple of 128"),
        ({"num_classes": 2, "precision": "float8"}, "precision = float8; must be one of float32, bfloat16, float16"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^NetworkVotes: {message}"):
        NetworkVotes(Sign(), **arguments)


def test_the_numbers_of_classes_must_be_equal() -> None:
    network = Sign()
    network.num_classes = 2
    assert NetworkVotes(network).num_classes == 2
    with pytest.raises(ValueError, match="num_classes = 3; must be the network's, 2"):
        NetworkVotes(network, 3)
    with pytest.raises(ValueError, match="num_classes of the data = 10; must be the network's, 2"):
        NetworkVotes(network).fit(torch.zeros(4, 2), torch.zeros(4), 10)
    NetworkVotes(network).fit(torch.zeros(4, 2), torch.zeros(4), 2)
    with pytest.raises(ValueError, match=r"logits of shape \[128, 2\]; must be \[128, 5\]"):
        NetworkVotes(Sign(), 5).counts(Gaussian(1.0), torch.zeros(1, 2), torch.arange(1), 10, (0, 1))


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"inputs of shape \[1, 8, 8\] do not fit"):
        NetworkVotes(convolutional(), 3).counts(Gaussian(1.0), torch.zeros(1, 1, 8, 8), torch.arange(1), 10, (0, 1))


def test_a_network_may_refuse_a_measure() -> None:
    class Particular(Sign):
        def supports(self, measure: SmoothingMeasure) -> str | None:
            return None if measure.sigma == 0.5 else f"trained at sigma 0.5, not {measure.sigma}"

    votes = NetworkVotes(Particular(), 2)
    assert ClopperPearson().supports(Gaussian(0.5), votes) is None
    assert ClopperPearson().supports(Gaussian(1.0), votes) == "trained at sigma 0.5, not 1.0"


def test_certified_radii_of_a_linear_network_are_its_margin() -> None:
    """For a half-space the Gaussian radius is the distance to its boundary, an upper bound on certificates."""
    x = torch.tensor([[0.3, 0.1], [1.0, 1.0], [-2.0, 0.0]])
    ballots = Ballots(Gaussian(0.5), NetworkVotes(Sign(), 2), x, torch.arange(3), 0)
    certificates = ClopperPearson(n=20_000).certify(ballots)
    margin = (x.sum(1).abs() / 2**0.5).numpy()
    assert certificates.prediction.tolist() == [1, 1, 0]
    assert (certificates.radius <= margin).all()
    assert (certificates.radius[:2] > [0.9 * margin[0], 0.9 * margin[1]]).all()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler")
def test_a_compiled_network_has_the_same_votes() -> None:
    arguments = (Gaussian(1.0), images(3), torch.arange(3), 1000, (0, 1))
    plain = NetworkVotes(convolutional(), 3).counts(*arguments)
    votes = NetworkVotes(convolutional(), 3, compile=True)
    graphs = counters["stats"]["unique_graphs"]
    compiled = votes.counts(*arguments)
    assert counters["stats"]["unique_graphs"] == graphs + 1
    assert (plain - compiled).abs().max() <= 2
    alone = [votes.counts(*arguments[:1], images(3)[i : i + 1], torch.tensor([i]), 1000, (0, 1)) for i in range(3)]
    assert torch.equal(torch.cat(alone), compiled)


@pytest.mark.gpu
class TestImagesOnTheAccelerator(TestImages):
    @pytest.fixture(params=["float32", "bfloat16", "float16"])
    def votes(self, request: pytest.FixtureRequest) -> Votes:
        return NetworkVotes(convolutional(), 3, noise_batch=2 * NOISE_BLOCK, precision=request.param)

    @pytest.fixture
    def x(self) -> Tensor:
        return images(3).cuda()


class LeftInTraining(nn.Module):
    """Its batch norm stays in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm.train()(x)


class Functional(nn.Module):
    """Normalises by the statistics of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.batch_norm(x, None, None, training=True)


class Centred(nn.Module):
    """Subtracts the mean of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


class Dropping(nn.Module):
    """Applies dropout in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x)


@pytest.mark.parametrize("network", [LeftInTraining(), Functional(), Centred(), Dropping()])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_networks_that_mix_rows_are_refused_before_the_first_vote(network: nn.Module, precision: str) -> None:
    """128 draws that depend on each other would count as independent."""
    message = r"^NetworkVotes: network: output of a row changes by .*; must depend on that row alone"
    with pytest.raises(ValueError, match=message):
        NetworkVotes(network, 2, precision=precision).fit(torch.zeros(0, 2), torch.zeros(0), 2)
    with pytest.raises(ValueError, match=message):
        NetworkVotes(network, 2, precision=precision).counts(
            Gaussian(1.0), torch.zeros(1, 2), torch.arange(1), 10, (0, 1)
        )


class Wrapped(nn.Module):
    """Returns logits in some container."""

    def __init__(self, wrap: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.wrap = wrap

    def forward(self, x: Tensor) -> object:
        return self.wrap(x)


class Output(OrderedDict):  # type: ignore[type-arg]
    """Output as in transformers."""

    @property
    def logits(self) -> Tensor:
        return self["logits"]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: Output(loss=None, logits=x),
        lambda x: {"logits": x, "loss": None},
        lambda x: SimpleNamespace(logits=x, hidden=None),
    ],
    ids=["transformers", "mapping", "attribute"],
)
def test_logits_are_taken_from_the_output(wrap: Callable[[Tensor], object]) -> None:
    arguments = Gaussian(1.0), torch.rand(2, 3), torch.arange(2), 100, (0, 1)
    plain = NetworkVotes(nn.Identity(), 3).counts(*arguments)
    assert torch.equal(NetworkVotes(Wrapped(wrap), 3).counts(*arguments), plain)


@pytest.mark.parametrize(
    ("wrap", "message"),
    [
        (lambda x: (x, None), "output = tuple; must be logits"),
        (lambda x: {"scores": x}, "output = dict; must be logits"),
        (lambda x: {"logits": (x,)}, "output = dict; must be logits"),
        (lambda x: None, "output = NoneType; must be logits"),
        (lambda x: x.numpy(), "output = ndarray; must be logits"),
    ],
)
def test_outputs_without_logits_are_refused(wrap: Callable[[Tensor], object], message: str) -> None:
    for votes in (NetworkVotes(Wrapped(wrap), 3), NetworkVotes(Wrapped(wrap), 3)):
        with pytest.raises(ValueError, match=f"^NetworkVotes: network: {message} .*, or have them as `logits`$"):
            votes.fit(torch.zeros(0, 3), torch.zeros(0), 3)
        with pytest.raises(ValueError, match=f"^NetworkVotes: network: {message}"):
            votes.counts(Gaussian(1.0), torch.zeros(1, 3), torch.arange(1), 10, (0, 1))


def test_logits_in_a_container_must_have_the_shape_and_be_finite() -> None:
    one = NetworkVotes(Wrapped(lambda x: {"logits": x[:, 0]}), 3)
    with pytest.raises(ValueError, match=r"^NetworkVotes: logits of shape \[128\]; must be \[128, 3\]"):
        one.fit(torch.zeros(0, 3), torch.zeros(0), 3)
    nan = NetworkVotes(Wrapped(lambda x: {"logits": x / 0 * 0}), 3)
    with pytest.raises(ValueError, match=r"^example 7: the network's logits are NaN or infinite; must be finite$"):
        nan.counts(Gaussian(1.0), torch.zeros(1, 3), torch.tensor([7]), 10, (0, 1))


@pytest.mark.parametrize(
    ("features", "warned"), [({"avx2"}, {"bfloat16", "float16"}), ({"avx512_bf16", "amx_fp16"}, set()), (set(), set())]
)
def test_there_is_one_warning_for_an_emulated_precision(
    features: set[str], warned: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_module, "_processor_features", lambda: frozenset(features))
    for precision in ("float32", "bfloat16", "float16"):
        votes = NetworkVotes(nn.Identity(), 3, precision=precision)  # type: ignore[arg-type]
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for _ in range(2):
                votes.counts(Gaussian(1.0), torch.zeros(2, 3), torch.arange(2), 300, (0, 1))
        said = [str(one.message) for one in seen if "emulates" in str(one.message)]
        assert len(said) == (precision in warned)
        assert all(one.startswith(f"precision = {precision}: this processor emulates it, about ten") for one in said)


def test_an_argument_that_is_not_a_network_is_refused() -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(ValueError, match=r"^NetworkVotes: network = Pipeline; must be a torch.nn.Module from inputs"):
        NetworkVotes(pipeline, 2)
