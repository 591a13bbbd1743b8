from reporting.titles import common_title, run_title
from smoothing.certificates import Table
from tests.samples import row, table

NOISE = {"class_path": "smoothing.measures.Gaussian", "init_args": {"sigma": 0.25, "exact": True}}
CONFIG = {
    "data": {"class_path": "datamodules.MNIST", "init_args": {"every": 20}},
    "model": {"class_path": "Certification", "init_args": {"measure": NOISE}},
}


def test_a_title_names_data_measure_draws_and_examples() -> None:
    sampled = Table([row(0, n=1000), row(1, n=100_000)])
    assert run_title(CONFIG, sampled) == "MNIST, Gaussian(sigma=0.25), n = 100,000, 2 examples"
    assert run_title({}, table((1, 1.0), certifiers=("a", "b"))) == "1 examples"


def test_a_measure_inside_a_measure_is_named() -> None:
    denoised = {"class_path": "DenoisedMeasure", "init_args": {"measure": NOISE, "denoiser": None}}
    config = {"model": {"init_args": {"measure": denoised}}}
    assert run_title(config, table((1, 1.0))) == "DenoisedMeasure(measure=Gaussian(sigma=0.25)), 1 examples"


def test_a_common_title_has_the_shared_parts() -> None:
    first = "MNIST, A(q=0.1, k=2), n = 1,000, 5 examples"
    assert common_title([first, "MNIST, A(q=0.2, k=2), n = 1,000, 5 examples"]) == "MNIST, n = 1,000, 5 examples"
    assert common_title([first, first]) == first
    assert common_title([]) == ""
