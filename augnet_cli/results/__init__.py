"""Frozen records of what the verbs found: each report prints one.

Paths and distances are as in `records`.
"""

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
from augnet_cli.results.folder import DECODE, EMBED, READ, BenchResult, EmbedResult, FolderInfo, StageSpeed
from augnet_cli.results.inspect import Extremes, InspectedImage, InspectResult, Measures, Near
from augnet_cli.results.query import SCENE, SOURCE, Answer, Hit, QueryResult

__all__ = [
    "DECODE",
    "EMBED",
    "NO_CLUSTER",
    "PARTIAL",
    "READ",
    "SCENE",
    "SOURCE",
    "Answer",
    "BenchResult",
    "CalibrationResult",
    "Cluster",
    "ClusterCount",
    "ClusterResult",
    "CurvePoint",
    "DedupeResult",
    "EmbedResult",
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
