"""Imports between packages run downwards only, and every package states its purpose."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BELOW: dict[str, set[str]] = {"smoothing": set(), "datamodules": {"smoothing"}, "lightning_modules": {"smoothing"}}
BELOW |= {"reporting": {"smoothing"}, "callbacks": {"smoothing", "reporting"}}
"""The project's packages that each package may import; `smoothing.cli` and `smoothing.api` may import all."""

FRONT_DOORS = ("smoothing.api", "smoothing.cli")
"""Packages that connect all others: use from Python, and the command line."""

WIRED = "lightning_modules.certifying"
"""Package that gives the trainer its callbacks and loggers: it may import those too, since they import no module."""

ORDER = (
    "smoothing.numerics",
    "smoothing.provenance",
    "smoothing.certificates",
    "smoothing.privacy_loss",
    "smoothing.measures",
    "smoothing.guarantees",
    "smoothing.votes",
    "smoothing.certifiers",
    "smoothing.collective",
    "smoothing.attacks",
    "smoothing.runs",
    "smoothing.testing",
    "smoothing.api",
    "smoothing.cli",
)
"""Packages of the mathematics from the bottom up: each imports those before it."""

MODULES = (
    "smoothing.arguments",
    "smoothing.data_folder",
    "smoothing.distance",
    "smoothing.lazy",
    "smoothing.representation",
)
"""Modules that all packages may import, and that import none of them."""

SUBPACKAGES = ("certifying", "training", "networks", "objectives", "learners", "encoders", "denoisers", "architectures")


def files(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def named(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """Return the full names of all modules that a file imports, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def package_of(module: str) -> str | None:
    return next((known for known in ORDER if f"{module}.".startswith(f"{known}.")), None)


@pytest.mark.parametrize("path", files(*BELOW), ids=named)
def test_packages_import_downwards_only(path: Path) -> None:
    module = named(path)
    if package_of(module) in FRONT_DOORS or module == "smoothing.__main__":
        return
    package = module.partition(".")[0]
    tops = {name.partition(".")[0] for name in imported(path)} & BELOW.keys()
    above = {"callbacks", "reporting"} if module.startswith(f"{WIRED}.") else set()
    assert tops <= {package} | BELOW[package] | above


@pytest.mark.parametrize("path", files("smoothing"), ids=named)
def test_packages_of_the_mathematics_import_downwards_only(path: Path) -> None:
    own = package_of(module := named(path))
    packages = {found for name in imported(path) if (found := package_of(name))}
    if module in MODULES:
        assert not packages
    elif own is not None:
        assert all(ORDER.index(found) <= ORDER.index(own) for found in packages)


@pytest.mark.parametrize("path", files("smoothing", "datamodules", "reporting"), ids=named)
def test_only_the_front_doors_know_lightning_modules(path: Path) -> None:
    """The mathematics needs no Lightning either; data modules are Lightning's, and reports come from tables."""
    module, names = named(path), imported(path)
    if package_of(module) in (*FRONT_DOORS, "smoothing.testing") or module == "smoothing.__main__":
        return
    assert not any(f"{name}.".startswith("lightning_modules.") for name in names)
    if module.startswith("smoothing"):
        assert not any(f"{name}.".startswith(("pytorch_lightning.", "lightning.", "wandb.")) for name in names)


def test_every_package_states_its_purpose() -> None:
    packages = [path for path in files(*BELOW) if path.name == "__init__.py"]
    assert {named(path) for path in packages} >= {*ORDER[:-1], *BELOW}
    silent = [named(path) for path in packages if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in files(*BELOW)}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").is_file()]
    packages = {named(folder / "__init__.py") for folder in folders}
    assert {f"lightning_modules.{name}" for name in SUBPACKAGES} <= packages


@pytest.mark.parametrize("package", BELOW)
def test_packages_carry_their_types(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_no_exported_name_is_that_of_a_module() -> None:
    """Importing the module would replace the name in its package."""
    for folder in {path.parent for path in files(*BELOW)}:
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        lists = [
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        modules = {path.stem for path in folder.iterdir()}
        assert not [name for names in lists for name in ast.literal_eval(names) if name in modules], folder
