"""What `bench` found, for people and for programs."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from augnet_cli.records import Skip
from augnet_cli.report.bench_data import write_bench
from augnet_cli.report.bench_text import bench_lines
from augnet_cli.report.style import Style
from augnet_cli.results import DECODE, EMBED, READ, BenchResult, StageSpeed

RESULT = BenchResult(
    folder="/home/ann/photos",
    typed_folder="photos",
    encoder="abc123",
    threads=2,
    rounds=5,
    cold=False,
    images=4120,
    measured=256,
    measured_bytes=12_300_000,
    stages=(
        StageSpeed(READ, 41_023.4, 30_211.0),
        StageSpeed(DECODE, 1702.0, 1650.4),
        StageSpeed(EMBED, 815.2, 541.0),
    ),
    pairs_rows=4120,
    pairs_seconds=0.1234,
    skipped=(),
)


def test_text_word_for_word() -> None:
    assert list(bench_lines(RESULT)) == [
        "256 of 4,120 images (12 MB) from the system's cache, 2 threads, medians of 5 rounds, images/s",
        "",
        "stage       alone   from the start to its end",
        "read       41,023      30,211",
        "decode      1,702       1,650",
        "embed         815         541  the limit",
        "",
        "541 images/s through all stages, 0.32 of decoding alone; embed holds the others back",
        "at this speed all 4,120 images take 8 s",
        "comparing 4,120 embeddings, each with each, takes 0.12 s",
    ]


def test_a_whole_folder_is_no_sample_and_skips_are_told() -> None:
    skips = (Skip("a\x1b[31m.jpg", "the file is empty"),)
    lines = list(bench_lines(replace(RESULT, images=256, skipped=skips)))
    assert lines[0].startswith("256 images (12 MB) from the system's cache, ")
    assert next(bench_lines(replace(RESULT, cold=True))).startswith(
        "256 of 4,120 images (12 MB) from the disk, "
    )
    assert not any("at this speed" in line for line in lines)
    assert any("1 image skipped" in line for line in lines) and "\x1b" not in "".join(lines)


def test_the_slowest_stage_stands_out() -> None:
    marks = Style(bold="<b>", dim="<d>", green="<g>", red="<r>", reset="</>")
    slow_disk = replace(RESULT, stages=(StageSpeed(READ, 90.0, 88.0), *RESULT.stages[1:]))
    marked = [line for line in bench_lines(slow_disk, marks) if line.startswith("<g>")]
    assert len(marked) == 1 and marked[0].startswith("<g>read ") and slow_disk.holds_back == READ


def test_json_is_one_object_in_ascii_with_all_that_was_measured() -> None:
    out = io.BytesIO()
    write_bench(replace(RESULT, skipped=(Skip("ümlaut.jpg", "the file is empty"),)), out)
    assert out.getvalue().isascii() and out.getvalue().endswith(b"}\n")
    assert json.loads(out.getvalue()) == {
        "version": 1,
        "folder": "/home/ann/photos",
        "encoder": "abc123",
        "threads": 2,
        "rounds": 5,
        "cold": False,
        "images": 4120,
        "measured": 256,
        "measured_bytes": 12_300_000,
        "stages": [
            {"name": "read", "limit": 41023.4, "reached": 30211.0},
            {"name": "decode", "limit": 1702.0, "reached": 1650.4},
            {"name": "embed", "limit": 815.2, "reached": 541.0},
        ],
        "whole": 541.0,
        "share_of_decoding": 0.3179,
        "holds_back": "embed",
        "pairs": {"embeddings": 4120, "seconds": 0.1234},
        "skipped": [{"path": "ümlaut.jpg", "reason": "the file is empty"}],
    }
