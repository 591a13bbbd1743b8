from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from smoothing.certificates import Table
from tests.front_door import DIGITS, launch


@pytest.mark.slow
def test_a_user_measure_gives_the_rows_of_the_built_in_measure(workplace: Path) -> None:
    """Labels redrawn over all K classes with probability e are flipped with probability q = e (K-1)/K."""
    certifiers = {
        "chernoff_kl": {"class_path": "Chernoff", "init_args": {"guarantee": "KL"}},
        "chernoff_tight": {"class_path": "Chernoff", "init_args": {"guarantee": "NeymanPearson"}},
        "sampled": {"class_path": "ClopperPearson", "init_args": {"n0": 50, "n": 500}},
        "exact": {"class_path": "ExactVote"},
    }
    tables = []
    for name, measure in (
        ("redraw", {"class_path": "redraw.Redraw", "init_args": {"e": 0.6, "num_classes": 2}}),
        ("flip", {"class_path": "LabelFlip", "init_args": {"q": 0.3, "num_classes": 2}}),
    ):
        config = deepcopy(DIGITS)
        config["model"]["init_args"] |= {"measure": measure, "certifiers": certifiers}
        (workplace / f"{name}.yaml").write_text(yaml.safe_dump(config))
        outcome = launch(["certify", "--config", f"{name}.yaml"], workplace)
        assert (outcome.status, outcome.err) == (0, "")
        tables.append(Table.read_csv(workplace / "runs" / name / "certificates.csv"))
    redrawn, flipped = tables
    assert len(redrawn) == len(flipped)
    for column in ("index", "certifier", "prediction", "radius", "n_a", "n_b"):
        assert (redrawn[column] == flipped[column]).all()
    assert (flipped.of("sampled")["radius"] > 0).any()
    assert (flipped.of("chernoff_tight")["radius"] > 0).any()
