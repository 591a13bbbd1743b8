"""Check the built site without network: ``python docs/check_links.py build/site``.

Every link within the site leads to a file, and to an anchor where it names one. No page loads anything from elsewhere.
"""

import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""Attributes of elements that a browser loads when it opens a page."""

NOT_LOADED = {"canonical", "search", "index", "prev", "next", "up", "author", "help", "copyright", "license"}
"""Relations of ``link`` elements that a browser does not load."""


def faults(site: Path) -> list[str]:
    """Return a line for each broken link, and for each file that a page loads from outside of the site.

    Args:
        site: Folder of the built site.

    Raises:
        ValueError: If the folder has no ``index.html``.
    """
    if not (site / "index.html").is_file():
        raise ValueError(f"check_links: site = {site}; must contain index.html")
    site = site.resolve()
    pages = (page for page in sorted(site.rglob("*.html")) if page.relative_to(site).parts[0] != "_static")
    return [fault for page in pages for fault in _faults_of(site, page)]


def _faults_of(site: Path, page: Path) -> list[str]:
    found = []
    soup = _read(page)
    name = page.relative_to(site)
    for element in soup.find_all(["a", *LOADED]):
        target = str(element.get("href" if element.name == "a" else LOADED[element.name]) or "")
        parts = urlsplit(target)
        if parts.scheme in ("data", "mailto"):
            continue
        if parts.scheme or parts.netloc:
            if element.name != "a" and not _is_relation(element):
                found.append(f"{name}: loads {target} from elsewhere")
            continue
        aim = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        aim = aim / "index.html" if aim.is_dir() else aim
        if not aim.is_relative_to(site) or not aim.is_file():
            found.append(f"{name}: {target} leads nowhere")
        elif parts.fragment and aim.suffix == ".html" and unquote(parts.fragment) not in _anchors(aim):
            found.append(f"{name}: {target} has no such anchor")
    return found


def _is_relation(element: Tag) -> bool:
    return element.name == "link" and bool(NOT_LOADED & {*(element.get("rel") or ())})


@cache
def _read(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@cache
def _anchors(page: Path) -> frozenset[str]:
    elements = _read(page).find_all(lambda tag: tag.has_attr("id") or tag.has_attr("name"))
    return frozenset(str(element[key]) for element in elements for key in ("id", "name") if element.has_attr(key))


if __name__ == "__main__":
    lines = faults(Path(sys.argv[1]))
    print("\n".join(lines) or "all links lead somewhere")
    sys.exit(bool(lines))
