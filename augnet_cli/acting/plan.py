"""The plan: one JSON object a line, first what it is about, then one image a line that may go.

Made to be edited: a line that is deleted leaves its image alone.
Nothing in it is believed: `read_plan` refuses what contradicts itself, `checks` looks at every file again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import BinaryIO

from augnet_cli.acting import disk
from augnet_cli.acting.checks import why, why_unsafe, why_unsafe_witness
from augnet_cli.acting.lines import BadLine, content, field, line_of, numbered, object_of, text, whole
from augnet_cli.acting.outcome import Plan, PlanLine
from augnet_cli.errors import PlanError, UsageError
from augnet_cli.images.files import STORE_FOLDER
from augnet_cli.images.names import shown
from augnet_cli.records import AUTO, ImageRecord
from augnet_cli.results import DedupeResult

SUFFIX = ".jsonl"
VERSION = 1
HEAD = "augnet_plan"
CACHE = "cache"
MAX_HEAD_BYTES = 1 << 20  # of the first line, which holds little more than the path of the folder
MAX_DISTANCE = 2.0  # of a cosine distance


def check_plan_file(path: str) -> None:
    """Refuse before the work what can't be written after it, and a name that could be a photo's.

    Raises:
        UsageError: another suffix, or a place that cleaners may empty.
        PlanError: it is a folder, or a file that is no plan, or its folder is missing.
    """
    if not path.lower().endswith(SUFFIX):
        raise UsageError(f"{shown(path)} does not end in {SUFFIX}", f"--plan FILE{SUFFIX}")
    above, name = os.path.split(os.path.dirname(os.path.abspath(path)))
    if name == CACHE and os.path.basename(above) == STORE_FOLDER:
        raise UsageError(f"{shown(path)} is in the cache, which may be emptied", "name another folder")
    if os.path.isdir(path):
        raise _not_written(path, "it is a folder")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise _not_written(path, "its folder does not exist")
    if os.path.lexists(path) and not _is_plan(path):
        raise _not_written(path, "there is another file of that name")


def _is_plan(path: str) -> bool:
    """Whether an earlier run wrote it, or it is empty: of whatever else ends so, nothing must be lost."""
    if not os.path.isfile(path):  # a pipe would wait for ever
        return False
    try:
        with open(path, "rb") as file:
            first = next((line for _, line in numbered(file.readline(MAX_HEAD_BYTES))), b"")
        return not os.path.getsize(path) or HEAD in object_of(first)
    except (OSError, BadLine):
        return False


def save_plan(result: DedupeResult, images: Sequence[ImageRecord], path: str) -> None:
    """Write the plan, whole or not at all, in place of an older one.

    Raises:
        UsageError, PlanError: as `check_plan_file`; PlanError too where it can't be written.
    """
    check_plan_file(path)
    try:
        with disk.replaced(path) as file:
            write_plan(result, images, file)
    except OSError as error:
        raise _not_written(path, why(error)) from error


def write_plan(result: DedupeResult, images: Sequence[ImageRecord], stream: BinaryIO) -> None:
    """Write the head and a line for each redundant image; `images` are all that were looked at."""
    known = {image.path: image for image in images}
    head = {
        HEAD: VERSION,
        "folder": result.folder,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "encoder": result.encoder,
        "threshold": AUTO if result.threshold is None else result.threshold,
        "images": result.images,
    }
    stream.write(line_of(head))
    for group in result.groups:
        for image in group.redundant:
            file, witness = known[image.path], known[image.witness]
            stream.write(
                line_of(
                    {
                        "path": image.path,
                        "size": file.size_bytes,
                        "mtime_ns": file.mtime_ns,
                        "hash": file.content_hash,
                        "witness": image.witness,
                        "witness_size": witness.size_bytes,
                        "witness_mtime_ns": witness.mtime_ns,
                        "witness_hash": witness.content_hash,
                        "distance": round(float(image.distance), 6),
                        "verdict": list(image.verdict),
                        "verified": bool(image.verified),
                    }
                )
            )


def read_plan(path: str) -> Plan:
    """Read a plan, edited or not.

    Raises:
        PlanError: it can't be read, is none, or does not hold together; says which line.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise PlanError(f"the plan {shown(path)} can't be read: {why(error)}", _NEW_PLAN) from error
    lines = numbered(data)
    number = 1
    try:
        number, first = next(lines, (1, b""))
        if not first:
            raise BadLine("the file is empty")
        head = object_of(first)
        folder = _plan(path, head, ()).folder
        read = []
        for number, line in lines:
            read.append(_line(number, object_of(line), folder))
    except BadLine as error:
        raise PlanError(f"{shown(path)}, line {number}: {error}", _hint(number)) from error
    for number, wrong in _contradictions(read):
        raise PlanError(f"{shown(path)}, line {number}: {wrong}", _hint(number))
    return _plan(path, head, tuple(read))


_NEW_PLAN = "augnet dedupe FOLDER --plan plan.jsonl makes one"


def _hint(number: int) -> str:
    return _NEW_PLAN if number == 1 else "delete that line, or make the plan anew with augnet dedupe --plan"


def _plan(path: str, head: dict[str, object], lines: tuple[PlanLine, ...]) -> Plan:
    if HEAD not in head:
        raise BadLine(f"no `{HEAD}`: this is no plan")
    if whole(head, HEAD) > VERSION:
        raise BadLine("it was made by a newer augnet: pip install --upgrade augnet")
    folder = text(head, "folder")
    if not os.path.isabs(folder):
        raise BadLine("`folder` is not an absolute path")
    threshold = field(head, "threshold", int, float, str, type(None))
    return Plan(
        file=path,
        folder=folder,
        created=text(head, "created"),
        encoder=text(head, "encoder"),
        threshold=threshold if isinstance(threshold, (int, float, str)) else None,
        images=whole(head, "images"),
        lines=lines,
    )


def _line(number: int, value: dict[str, object], folder: str) -> PlanLine:
    distance = field(value, "distance", int, float)
    assert isinstance(distance, (int, float))
    if not 0 <= distance <= MAX_DISTANCE:
        raise BadLine("`distance` is not between 0 and 2")
    verdict = field(value, "verdict", list)
    assert isinstance(verdict, list)
    if not all(isinstance(word, str) for word in verdict):
        raise BadLine("`verdict` is not a list of words")
    line = PlanLine(
        number=number,
        path=_path(value, "path", why_unsafe),
        size=_size(value, "size"),
        mtime_ns=whole(value, "mtime_ns"),
        hash=content(value, "hash"),
        witness=_path(value, "witness", lambda path: why_unsafe_witness(path, folder)),
        witness_size=_size(value, "witness_size"),
        witness_mtime_ns=whole(value, "witness_mtime_ns"),
        witness_hash=content(value, "witness_hash"),
        distance=float(distance),
        verdict=tuple(verdict),
        verified=bool(field(value, "verified", bool)),
    )
    if line.path == line.witness:
        raise BadLine(f"{shown(line.path)} is its own witness")
    return line


def _path(value: dict[str, object], name: str, doubt: Callable[[str], str | None]) -> str:
    path = text(value, name)
    if reason := doubt(path):
        raise BadLine(f"`{name}` {shown(path) or repr(path)}: {reason}")
    return path


def _size(value: dict[str, object], name: str) -> int:
    size = whole(value, name)
    if size < 0:
        raise BadLine(f"`{name}` is negative")
    return size


def _contradictions(lines: Sequence[PlanLine]) -> Iterator[tuple[int, str]]:
    """Lines that are right by themselves, but not beside the others."""
    numbers: dict[str, int] = {}
    for line in lines:
        if line.path in numbers:
            yield line.number, f"{shown(line.path)} stands in line {numbers[line.path]} already"
        numbers[line.path] = line.number
    witnesses: dict[str, PlanLine] = {}
    for line in lines:
        if line.witness in numbers:
            yield (
                line.number,
                f"the witness {shown(line.witness)} may go itself, by line {numbers[line.witness]}",
            )
        first = witnesses.setdefault(line.witness, line)
        if _of_witness(first) != _of_witness(line):
            yield line.number, f"of {shown(line.witness)} it says something else than line {first.number}"


def _of_witness(line: PlanLine) -> tuple[int, int, str]:
    return line.witness_size, line.witness_mtime_ns, line.witness_hash


def _not_written(path: str, reason: str) -> PlanError:
    return PlanError(
        f"the plan {shown(path)} can't be written: {reason}",
        f"name a file in a folder you can write: --plan FILE{SUFFIX}",
    )
