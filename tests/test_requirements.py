import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"].values()
REQUIREMENTS = [Requirement(line) for line in (*PROJECT["dependencies"], *(line for extra in EXTRAS for line in extra))]
CONSTRAINTS = {
    canonicalize_name(pinned.name): next(iter(pinned.specifier)).version
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line.strip() and not line.startswith(("#", "-"))
    for pinned in [Requirement(line.partition("#")[0])]
}


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_constraints_are_within_the_requirements(requirement: Requirement) -> None:
    assert requirement.specifier.contains(CONSTRAINTS[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_compromised_releases_are_excluded(version: str) -> None:
    (lightning,) = [requirement for requirement in REQUIREMENTS if requirement.name == "pytorch-lightning"]
    assert not lightning.specifier.contains(version)
    assert lightning.specifier.contains("2.6.0")
