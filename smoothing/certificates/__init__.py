"""Certificates: results of certifiers, tables of certificates, their storage and certified accuracy."""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.certificates.certificates import Attacked, AttackedClassifier, Certificates, SmoothedClassifier
    from smoothing.certificates.curves import Curve, certified_curve, summary
    from smoothing.certificates.set_curves import SetCurve, set_curve
    from smoothing.certificates.shards import Shard, read_shards
    from smoothing.certificates.table import Row, Table, rows
    from smoothing.certificates.tsv import FIELD_DISTANCE, read_tsv, write_tsv

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "FIELD_DISTANCE",
    "Attacked",
    "AttackedClassifier",
    "Certificates",
    "Curve",
    "Row",
    "SetCurve",
    "Shard",
    "SmoothedClassifier",
    "Table",
    "certified_curve",
    "read_shards",
    "read_tsv",
    "rows",
    "set_curve",
    "summary",
    "write_tsv",
]
