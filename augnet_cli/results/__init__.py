"""Frozen records of what the verbs found: each report prints one.

Paths and distances are as in `records`.
A record is made when one is asked for: to make all of them takes a start as long as all else in it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augnet_cli.results.clusters import (
        NO_CLUSTER,
        Cluster,
        ClusterCount,
        ClusterResult,
        Flagged,
        Looks,
        Outlier,
        Spread,
    )
    from augnet_cli.results.duplicates import (
        PARTIAL,
        CalibrationResult,
        CurvePoint,
        DedupeResult,
        Leak,
        LeaksResult,
        Split,
        Stack,
        Suspect,
    )
    from augnet_cli.results.evaluation import (
        ASSIGNMENTS,
        ENCODER,
        UNTRAINED,
        EvaluationResult,
        EvaluationRow,
    )
    from augnet_cli.results.folder import (
        DECODE,
        EMBED,
        READ,
        BenchResult,
        EmbedResult,
        FolderInfo,
        StageSpeed,
    )
    from augnet_cli.results.inspect import Extremes, InspectedImage, InspectResult, Measures, Near
    from augnet_cli.results.query import SCENE, SOURCE, Answer, Hit, QueryResult

__all__ = [
    "ASSIGNMENTS",
    "DECODE",
    "EMBED",
    "ENCODER",
    "NO_CLUSTER",
    "PARTIAL",
    "READ",
    "SCENE",
    "SOURCE",
    "UNTRAINED",
    "Answer",
    "BenchResult",
    "CalibrationResult",
    "Cluster",
    "ClusterCount",
    "ClusterResult",
    "CurvePoint",
    "DedupeResult",
    "EmbedResult",
    "EvaluationResult",
    "EvaluationRow",
    "Extremes",
    "Flagged",
    "FolderInfo",
    "Hit",
    "InspectResult",
    "InspectedImage",
    "Leak",
    "LeaksResult",
    "Looks",
    "Measures",
    "Near",
    "Outlier",
    "QueryResult",
    "Split",
    "Spread",
    "Stack",
    "StageSpeed",
    "Suspect",
]

# Which file makes what.
_PLACES = {
    "clusters": (
        "Cluster",
        "ClusterCount",
        "ClusterResult",
        "Flagged",
        "Looks",
        "NO_CLUSTER",
        "Outlier",
        "Spread",
    ),
    "duplicates": (
        "CalibrationResult",
        "CurvePoint",
        "DedupeResult",
        "Leak",
        "LeaksResult",
        "PARTIAL",
        "Split",
        "Stack",
        "Suspect",
    ),
    "evaluation": (
        "ASSIGNMENTS",
        "ENCODER",
        "EvaluationResult",
        "EvaluationRow",
        "UNTRAINED",
    ),
    "folder": (
        "BenchResult",
        "DECODE",
        "EMBED",
        "EmbedResult",
        "FolderInfo",
        "READ",
        "StageSpeed",
    ),
    "inspect": (
        "Extremes",
        "InspectResult",
        "InspectedImage",
        "Measures",
        "Near",
    ),
    "query": (
        "Answer",
        "Hit",
        "QueryResult",
        "SCENE",
        "SOURCE",
    ),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> object:
    """A record, from where it is made (PEP 562)."""
    if name not in _PLACE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_PLACE_OF[name]}"), name)
    globals()[name] = found
    return found
