"""The result of `bench` as one JSON object."""

from __future__ import annotations

import json
from typing import BinaryIO

from augnet_cli.results import BenchResult

VERSION = 1  # of the JSON shape below
DECIMALS = 4  # far more than two runs agree on


def write_bench(result: BenchResult, stream: BinaryIO) -> None:
    """Write what was measured; speeds are in images a second."""
    shape = {
        "version": VERSION,
        "folder": result.folder,
        "encoder": result.encoder,
        "threads": result.threads,
        "rounds": result.rounds,
        "cold": result.cold,
        "images": result.images,
        "measured": result.measured,
        "measured_bytes": result.measured_bytes,
        "stages": [
            {
                "name": stage.name,
                "limit": round(stage.limit, DECIMALS),
                "reached": round(stage.reached, DECIMALS),
            }
            for stage in result.stages
        ],
        "whole": round(result.whole, DECIMALS),
        "share_of_decoding": round(result.share_of_decoding, DECIMALS),
        "holds_back": result.holds_back,
        "pairs": {"embeddings": result.pairs_rows, "seconds": round(result.pairs_seconds, DECIMALS)},
        "skipped": [{"path": skip.path, "reason": skip.reason} for skip in result.skipped],
    }
    stream.write(json.dumps(shape, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n")
