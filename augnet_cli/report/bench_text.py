"""The result of `bench` for people."""

from __future__ import annotations

from collections.abc import Iterator

from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.text import count, size_words, skipped_lines
from augnet_cli.results import BenchResult, StageSpeed


def bench_lines(result: BenchResult, style: Style = PLAIN) -> Iterator[str]:
    """What was measured, a row a stage, then the whole and what holds it back."""
    images = count(result.images, "image")
    if result.measured < result.images:
        images = f"{result.measured:,} of {images}"
    threads, rounds = count(result.threads, "thread"), count(result.rounds, "round")
    source = "from the disk" if result.cold else "from the system's cache"
    yield f"{images} ({size_words(result.measured_bytes)}) {source}, {threads}, medians of {rounds}, images/s"
    yield ""
    yield f"{style.bold}stage       alone   from the start to its end{style.reset}"
    for stage in result.stages:
        row = _row(stage)
        yield f"{style.green}{row}  the limit{style.reset}" if stage.name == result.holds_back else row
    yield ""
    yield from skipped_lines(result.skipped, style)
    whole = f"{style.bold}{result.whole:,.0f} images/s{style.reset} through all stages"
    share = f"{result.share_of_decoding:.2f} of decoding alone"
    yield f"{whole}, {share}; {result.holds_back} holds the others back"
    if result.measured < result.images:
        yield f"at this speed all {result.images:,} images take {result.images / result.whole:,.0f} s"
    rows = count(result.pairs_rows, "embedding")
    yield f"comparing {rows}, each with each, takes {result.pairs_seconds:.2f} s"


def _row(stage: StageSpeed) -> str:
    return f"{stage.name:<6}  {stage.limit:9,.0f}   {stage.reached:9,.0f}"
