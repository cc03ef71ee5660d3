"""What `inspect` found, as JSON and CSV; names and rules as in `data`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from decimal import Decimal
from typing import BinaryIO

from augnet_cli.report.streamed import VERSION, Format, Row, skips, write_csv, write_json
from augnet_cli.results import Extremes, InspectedImage, InspectResult, Measures

MEASURES = tuple(field.name for field in fields(Measures))


def write_inspect(result: InspectResult, format: Format, stream: BinaryIO) -> None:
    """Write the summary and the images; CSV has one row an image."""
    if format == "csv":
        write_csv(_rows(result), stream)
        return
    lists = {
        "images": (_image(image) for image in result.images),
        "unread": skips(result.unread),
        "skipped": skips(result.skipped),
    }
    write_json(_head(result), lists, stream)


def _head(result: InspectResult) -> dict[str, object]:
    first, last = result.first_taken, result.last_taken
    return {
        "version": VERSION,
        "folder": result.folder,
        "encoder": result.encoder,
        "only": list(result.only),
        "total": result.total,
        "bytes": result.total_bytes,
        "others": result.others,
        "flags": result.counts,
        "formats": dict(result.formats),
        "cameras": dict(result.cameras),
        "folders": dict(result.folders),
        "pixels": _extremes(result.by_pixels),
        "file_bytes": _extremes(result.by_bytes),
        "taken": {
            "images": result.dated,
            "first": None if first is None else {"path": first.path, "taken_at": first.taken_at},
            "last": None if last is None else {"path": last.path, "taken_at": last.taken_at},
        },
        "identical": {
            "groups": result.identical_groups,
            "files": result.identical_files,
            "redundant_bytes": result.identical_bytes,
        },
        "near": None if result.near is None else asdict(result.near),
    }


def _extremes(found: Extremes | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        name: {"path": image.path, "width": image.width, "height": image.height, "bytes": image.size_bytes}
        for name, image in (
            ("smallest", found.smallest),
            ("median", found.median),
            ("largest", found.largest),
        )
    }


def _image(image: InspectedImage) -> dict[str, object]:
    return {
        "path": image.path,
        "flags": list(image.flags),
        "width": image.width,
        "height": image.height,
        "bytes": image.size_bytes,
        "format": image.format or None,
        "camera": image.camera,
        "taken_at": image.taken_at,
        "measures": None if image.measures is None else asdict(image.measures),
    }


def _rows(result: InspectResult) -> Iterator[Row]:
    yield ("path", "flags", "width", "height", "bytes", "format", "camera", "taken_at", *MEASURES)
    for image in result.images:
        known = (getattr(image.measures, name, None) for name in MEASURES)
        numbers = ("" if value is None else f"{Decimal(repr(float(value))):f}" for value in known)
        sizes = (image.width, image.height, image.size_bytes)
        words = (image.format, image.camera or "", image.taken_at or "")
        yield (image.path, " ".join(image.flags), *sizes, *words, *numbers)
