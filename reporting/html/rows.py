"""Rows of the browser of test examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from reporting.comparison import Comparable, tabled
from reporting.shown import Shown, by_position
from reporting.text_table import NOTHING
from smoothing.certificates.cells import NUMBER
from smoothing.certificates.table import Row

MAX_ROWS = 3000
"""Largest number of rows in the browser."""


@dataclass(frozen=True)
class BrowserRow:
    """One row of the browser: the certificate of one test example by one certifier in one run.

    Attributes:
        run: Name of the run.
        row: The certificate.
        image: Key of the image among the images of the browser; empty if there is none.
        text: Text of the example; empty if it is no text.
    """

    run: str
    row: Row
    image: str
    text: str

    @property
    def radius(self) -> str:
        """The radius with all its digits."""
        return NUMBER.write(self.row.radius)

    @property
    def votes(self) -> str:
        """Votes of the predicted class and of its strongest rival, and number of draws; as far as they are known."""
        row = self.row
        if row.n_a is None or not row.n:
            return NOTHING
        rival = "" if row.n_b is None else f" : {row.n_b:,}"
        return f"{row.n_a:,}{rival} of {row.n:,}"

    @property
    def result(self) -> str:
        """Whether the prediction is right: ``correct``, ``wrong`` or ``abstained``."""
        return "abstained" if self.row.prediction == -1 else "correct" if self.row.correct else "wrong"


@dataclass(frozen=True)
class Browser:
    """Browser of test examples.

    Attributes:
        rows: At most `MAX_ROWS` rows.
        images: PNG files in base64, by key. Equal images have one key.
        examples: Number of shown pairs of a run and an example.
        all_examples: Number of all pairs.
    """

    rows: list[BrowserRow]
    images: dict[str, str]
    examples: int
    all_examples: int


def browser(runs: Mapping[str, Comparable], examples: Mapping[str, Mapping[int, Shown]]) -> Browser:
    """Return the browser of the examples of some runs. All runs get the same number of rows, chosen by position.

    Args:
        runs: Runs by name. Published curves have no examples.
        examples: Images and texts of the examples of each run, by name of the run.
    """
    tables = {name: run.table for name, run in tabled(runs).items()}
    rows: list[BrowserRow] = []
    images: dict[str, str] = {}
    shown, of_all = 0, 0
    for name, table in tables.items():
        known = examples.get(name, {})
        positions = table.of(table.certifiers[0])["index"].tolist()
        kept = set(by_position(positions, max(1, MAX_ROWS // len(tables) // len(table.certifiers))))
        shown, of_all = shown + len(kept), of_all + len(positions)
        for row in table:
            if row.index in kept:
                example = known.get(row.index, Shown())
                key = sha256(example.image.encode()).hexdigest()[:12] if example.image else ""
                if key:
                    images[key] = example.image
                rows.append(BrowserRow(name, row, key, example.text))
    return Browser(rows, images, shown, of_all)
