import json
import platform
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml  # noqa: F401

from smoothing.runs.provenance import provenance, read_distance
from tests.samples import FLIPS


def test_provenance_is_json():
    config = {"model": {"measure": {"q": 0.1}, "encoder": None}, "seed_everything": 3}
    made = json.loads(json.dumps(provenance(config, seed=3, distance=FLIPS, data="ab12", checkpoint="cd34")))
    assert made["config"] == config
    assert (made["seed"], made["data"], made["checkpoint"]) == (3, "ab12", "cd34")
    assert made["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert made["versions"]["numpy"] == np.__version__
    assert made["hardware"]["cores"] >= 1
    assert len(made["hardware"]["accelerators"]) == torch.cuda.device_count()


def test_versions_are_those_of_the_distributions_that_provide_the_imported_modules():
    versions = provenance({}, seed=0, distance=FLIPS, data="")["versions"]
    owners = packages_distributions()
    for module in ("numpy", "pytest", "torch", "yaml"):
        assert set(owners[module]) <= versions.keys()
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert versions == {
        "python": platform.python_version(),
        **{name: version(name) for name in versions if name != "python"},
    }
    assert all(
        loaded & {module for module, names in owners.items() if name in names} for name in versions.keys() - {"python"}
    )


def test_distance_is_read_back(tmp_path: Path):
    path = tmp_path / "provenance.json"
    path.write_text(json.dumps(provenance({}, seed=0, distance=FLIPS, data="")))
    assert read_distance(path) == FLIPS


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"distance": {"norm": "l2"}}', '{"distance": 1}'])
def test_a_file_without_distance_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "provenance.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"provenance\.json: has no distance; must be the provenance of a"):
        read_distance(path)
