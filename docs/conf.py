"""Configuration of the documentation: ``python -m sphinx -W -b html docs build/site``."""

import os
import pkgutil
import re
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version as installed_version
from pathlib import Path
from types import ModuleType

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))  # for the notebook

project = "Smoothing certificates"
author = "The smoothing-certificates developers"
release = installed_version("smoothing-certificates")
copyright = author

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design"]
myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
default_role = "py:obj"
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
# Pages without subpages would have an empty side bar.
ALONE = ("start", "idea", "faq", "python", "launch", "dashboards", "PITFALLS", "glossary", "THEORY", "cite")
html_sidebars: dict[str, list[str]] = {page: [] for page in (*ALONE, "changelog", "contributing", "notebooks/digits")}
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
}

PACKAGES = ("smoothing", "lightning_modules", "datamodules", "callbacks", "reporting")
COPIED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "results": "results"}
"""Files and folders of the repository that are pages of the site, by their place in the repository."""

OPTIONAL = ("python", "launch", "dashboards")
"""Pages that are left out of the table of contents where they do not exist."""

SHOWN = {".md", ".png", ".svg", ".csv", ".tex", ".sh", ".py"}
ORPHAN = b"---\norphan: true\n---\n"
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def copy_pages(app: Sphinx) -> None:
    """Copy pages from outside of the folder of the documentation. Results are thus never copied by hand."""
    for name, copy in COPIED.items():
        for file in [ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*.*")):
            if file.suffix in SHOWN:
                aim = DOCS / copy / file.relative_to(ROOT / name)
                aim.parent.mkdir(parents=True, exist_ok=True)
                # A table of a page of results is linked by its page alone.
                linked = name == "results" and file.suffix == ".md" and (file.parent / "README.md").exists()
                mark = ORPHAN if linked and file.name != "README.md" else b""
                if not aim.exists() or aim.read_bytes() != mark + file.read_bytes():
                    aim.write_bytes(mark + file.read_bytes())


def write_api(app: Sphinx) -> None:
    """Write one page for each package: the names that it exports, or its modules if it exports none."""
    seen: set[tuple[str, str]] = set()
    for name in PACKAGES:
        top = import_module(name)
        _write_page(top, seen)
        for found in pkgutil.iter_modules(top.__path__, f"{name}."):
            if found.ispkg:
                _write_page(import_module(found.name), seen)


def _write_page(package: ModuleType, seen: set[tuple[str, str]]) -> None:
    name = package.__name__
    lines = [name, "=" * len(name), "", *_members(package, package.__dict__.get("__all__", ()), seen)]
    if not hasattr(package, "__all__"):
        for found in pkgutil.iter_modules(package.__path__, f"{name}."):
            if not found.ispkg and not found.name.endswith("__main__"):
                module = import_module(found.name)
                own = vars(module).get(
                    "__all__", [key for key, value in vars(module).items() if _is_own(value, module)]
                )
                lines += [found.name, "-" * len(found.name), "", *_members(module, own, seen)]
    _write(DOCS / "api" / f"{name}.rst", "\n".join(lines))


def _is_own(value: object, module: ModuleType) -> bool:
    return getattr(value, "__module__", "") == module.__name__


def _members(module: ModuleType, names: Iterable[str], seen: set[tuple[str, str]]) -> list[str]:
    """Return a directive for a module. An object that several packages export is described once."""
    places = {name: (getattr(getattr(module, name), "__module__", module.__name__), name) for name in names}
    repeated = sorted(name for name, place in places.items() if place in seen)
    seen.update(places.values())
    lines = [f".. automodule:: {module.__name__}"]
    if places:
        lines += ["   :members:", "   :show-inheritance:"]
    if repeated:
        lines.append(f"   :exclude-members: {', '.join(repeated)}")
    return [*lines, ""]


def _write(page: Path, text: str) -> None:
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


def skip_member(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out methods that scikit-learn generates for its metadata routing."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def rewrite_links(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make links of Markdown files, which are relative paths in the repository, links of the site."""
    shown = Path(app.env.doc2path(docname))
    if shown.suffix != ".md":
        return
    page = ROOT / next(
        (
            Path(name, shown.relative_to(DOCS / copy))
            for name, copy in COPIED.items()
            if shown.is_relative_to(DOCS / copy)
        ),
        shown.relative_to(ROOT),
    )

    def link(match: re.Match[str]) -> str:
        text, path, anchor = match[1], match[2], match[3] or ""
        aim = Path(os.path.normpath(page.parent / path))
        if aim.is_dir():
            return text
        if aim == ROOT / "README.md":
            return f"[{text}](/index.md)"
        for name, copy in COPIED.items():
            if aim.is_relative_to(ROOT / name):
                return f"[{text}](/{(Path(copy) / aim.relative_to(ROOT / name)).as_posix()}{anchor})"
        if aim.is_relative_to(DOCS):
            return f"[{text}](/{aim.relative_to(DOCS).as_posix()}{anchor})"
        return f"[{text}]({os.path.relpath(aim, shown.parent)}{anchor})" if aim.is_file() else match[0]

    source[0] = LINK.sub(link, source[0])
    for name in OPTIONAL:
        if not (DOCS / f"{name}.md").exists():
            source[0] = source[0].replace(f"\n{name}\n", "\n")


def setup(app: Sphinx) -> None:
    """Connect the steps above."""
    app.connect("builder-inited", copy_pages)
    app.connect("builder-inited", write_api)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("source-read", rewrite_links)
