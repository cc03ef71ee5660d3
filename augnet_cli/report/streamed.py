"""How results are written for other programs: JSON and CSV, piece by piece.

Streams are binary and lists are written item by item, so that large results need no large string.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import BinaryIO, Literal

from augnet_cli.records import Skip

Format = Literal["json", "csv"]
Row = Sequence[str | int]

VERSION = 1  # of the JSON shapes of results
DECIMALS = 6  # of a distance: what float32 holds near 1


def skips(skipped: Iterable[Skip]) -> Iterator[dict[str, object]]:
    """Skips as JSON items."""
    return ({"path": skip.path, "reason": skip.reason} for skip in skipped)


def rounded(distance: float, threshold: float | None = None) -> float:
    """A distance for print, never past the threshold that it is within before rounding."""
    short = round(float(distance), DECIMALS) + 0.0  # never -0.0
    return short if threshold is None else min(short, float(threshold))


def fixed(distance: float, threshold: float | None = None) -> str:
    """The same number for CSV, without an exponent, which some readers do not take."""
    return f"{Decimal(repr(rounded(distance, threshold))):f}"


def write_json(head: Mapping[str, object], lists: Mapping[str, Iterable[object]], stream: BinaryIO) -> None:
    """Write one object: `head`, then `lists` with one item a line; ASCII, one newline at the end."""
    stream.write(_json(head)[:-1])
    for name, items in lists.items():
        stream.write(b", " + _json(name) + b": [")
        between, end = b"\n", b"]"
        for item in items:
            stream.write(between + _json(item))
            between, end = b",\n", b"\n]"
        stream.write(end)
    stream.write(b"}\n")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False).encode("ascii")


def write_csv(rows: Iterator[Row], stream: BinaryIO) -> None:
    """Write rows that end in a newline; the first is the header."""
    # csv in Python 3.11, for one, quotes a field only for the characters of its own line end:
    # asking it for "\r\n" quotes a carriage return in a name too; `_CsvRows` shortens the end.
    csv.writer(_CsvRows(stream), lineterminator="\r\n").writerows(rows)


class _CsvRows:
    """Takes one finished row a call, as `csv.writer` gives them, and writes its bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        self._stream.write(os.fsencode(row.removesuffix("\r\n") + "\n"))
