"""Time to read, write and audit tables, against the work that cannot be saved.

``python -m benchmarks.tables`` prints tables of results/speed.md. ``--smoke`` uses small sizes. Ratios are taken within
one run, from the median over alternating repeats. Seconds depend on the machine.
"""

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.rivals import alternating
from smoothing.certificates import Shard, Table, read_shards
from smoothing.certificates.audit import _cache, audit
from smoothing.certificates.table import COLUMNS

CERTIFIERS = ("exact", "clopper_pearson")


def table(rows: int) -> Table:
    """Return a table of two certifiers with random numbers."""
    rng = np.random.default_rng(0)
    examples, given = rows // 2, np.zeros(rows, np.bool_)
    label, prediction = np.repeat(rng.integers(0, 10, examples), 2), rng.integers(0, 10, rows)
    radius = rng.exponential(size=rows)
    integers = np.ma.MaskedArray(rng.integers(0, 1000, rows), given)
    return Table.from_columns(
        {
            "index": np.repeat(np.arange(examples), 2),
            "certifier": np.array(CERTIFIERS * examples, object),
            "label": label,
            "prediction": prediction,
            "radius": radius,
            "correct": prediction == label,
            "log_fail": np.ma.MaskedArray(-radius / 3, given),
            "log_rival": np.ma.MaskedArray(np.zeros(rows), ~given),
            "n_a": integers,
            "n_b": np.ma.MaskedArray(np.zeros(rows, np.int64), ~given),
            "n": np.ma.MaskedArray(np.full(rows, 1000), given),
            "n0": np.ma.MaskedArray(np.zeros(rows, np.int64), ~given),
            "alpha": np.ma.MaskedArray(np.full(rows, 0.001), given),
            "classifier": np.array(("mean", "majority") * examples, object),
            "deterministic": given,
            "sound": ~given,
            "assumptions": np.array(("frozen encoder", "") * examples, object),
        }
    )


def files(rows: int, repeats: int, folder: Path) -> None:
    """Print the time to read a table and its shards, in units of the time of a library that does not check them."""
    made = table(rows)
    path, shards = folder / "table.csv", folder / "shards"
    made.write_csv(path)
    shards.mkdir()
    values = [made[name].tolist() for name in COLUMNS]
    records = [dict(zip(COLUMNS, cells, strict=True)) for cells in zip(*values, strict=True)]
    with Shard(shards / "rank-0.jsonl") as shard:
        shard.extend([records[place : place + 2] for place in range(0, rows, 2)])
    del records, values
    lines = (shards / "rank-0.jsonl").read_bytes().splitlines()

    def plain() -> None:
        for line in lines:
            json.loads(line)

    own, other, stored, loaded = alternating(
        [partial(Table.read_csv, path), partial(pd.read_csv, path), partial(read_shards, shards), plain], repeats
    )
    print("| rows | read_csv / pandas.read_csv | read_shards / json.loads | read_csv, s | read_shards, s |")
    print("|---|---|---|---|---|")
    print(f"| {rows:,} | {own / other:.1f} | {stored / loaded:.2f} | {own:.2f} | {stored:.2f} |")


def audits(cases: Sequence[int], repeats: int) -> None:
    """Print the time to audit a log of three digits, without and with radii that were audited before."""
    print("| rows of the log | audit, ms | audit of the same radii again, ms |")
    print("|---|---|---|")
    for rows in cases:
        radii = [float(f"{radius:.3}") for radius in np.random.default_rng(0).uniform(0, 1.9, rows)]

        def first(radii: Sequence[float] = radii) -> None:
            _cache.clear()
            audit(radii, 0.001, 0.5, 100_000)

        fresh, again = alternating([first, partial(audit, radii, 0.001, 0.5, 100_000)], repeats)
        print(f"| {rows:,} | {1e3 * fresh:.0f} | {1e3 * again:.0f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    repeats = 2 if smoke else 3
    with TemporaryDirectory() as folder:
        files(2_000 if smoke else 1_000_000, repeats, Path(folder))
    print()
    audits([500] if smoke else [500, 10_000], repeats)


if __name__ == "__main__":
    main()
