"""Put a table made by a script into `docs/benchmarks.md`, between the markers of its name."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def spread(values: Sequence[float], digits: int = 3) -> str:
    """The mean over seeds, and the smallest and largest where they differ: `0.312 (0.308–0.315)`."""
    low, high, mean = (f"{value:.{digits}f}" for value in (min(values), max(values), statistics.mean(values)))
    return mean if low == high else f"{mean} ({low}–{high})"


def put(name: str, text: str, file: Path = PAGE) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->` in `file`, and print it."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = file.read_text(encoding="utf-8")
    if start not in page or end not in page:
        raise SystemExit(f"{file} has no markers for {name}")
    before, after = page.split(start)[0], page.split(end)[1]
    file.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")
    print(text)
