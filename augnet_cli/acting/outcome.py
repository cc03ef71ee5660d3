"""Frozen records of acting: what a plan says, what was done, what was refused and why.

Paths are as in `records`: relative to the folder, `/` between parts, surrogate escapes for bytes that are
no UTF-8; that of a witness outside of the folder is absolute.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Action(str, Enum):
    """What `apply` does with a redundant image."""

    quarantine = "quarantine"
    trash = "trash"
    hardlink = "hardlink"
    symlink = "symlink"
    delete = "delete"


# The image's name stays, as a link to its witness; sidecars stay where they are.
LINKING = frozenset((Action.hardlink, Action.symlink))


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One image that may go, as the plan found it, and the witness that justifies it.

    `number` is the line of the plan file; `hash` is `images.files.content_hash` of the bytes.
    """

    number: int
    path: str
    size: int
    mtime_ns: int
    hash: str
    witness: str
    witness_size: int
    witness_mtime_ns: int
    witness_hash: str
    distance: float
    verdict: tuple[str, ...]
    verified: bool


@dataclass(frozen=True)
class Plan:
    """A plan file: which images of `folder` (absolute) may go; `threshold` may be a word."""

    file: str
    folder: str
    created: str
    encoder: str
    threshold: float | str | None
    images: int
    lines: tuple[PlanLine, ...]

    def groups(self) -> dict[str, tuple[PlanLine, ...]]:
        """Lines by witness, both in the order of the file."""
        stars: dict[str, list[PlanLine]] = {}
        for line in self.lines:
            stars.setdefault(line.witness, []).append(line)
        return {witness: tuple(lines) for witness, lines in stars.items()}


@dataclass(frozen=True, slots=True)
class Acted:
    """One file that was acted on: an image, or a sidecar that went with the image `sidecar_of`.

    `to` says where its bytes are now: under `quarantine/`, relative to the store's data; an absolute path in
    the trash; None where they are in the witness alone, gone, or in a trash that doesn't say.
    """

    path: str
    size: int
    witness: str
    to: str | None = None
    sidecar_of: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Images that were left alone, with the reason."""

    paths: tuple[str, ...]
    witness: str
    reason: str


@dataclass(frozen=True)
class ApplyResult:
    """What `apply` did, or with `dry_run` would do.

    Attributes:
        folder: absolute.
        run: the name of this run in the journal; empty where nothing was done.
        store: where quarantine and journal are, absolute.
        acted: in order of the plan, each sidecar behind its image.
        already: images an earlier run acted on, and which are not there any more.
        refused: groups, or lines of one, that were left alone.
        freed: bytes of disk that are free now; what is in quarantine or trash is not.
        stopped: why the rest of the plan was not tried, or None.
        pending: images that were not tried.
        include_unverified: whether a distance alone was enough.
    """

    folder: str
    plan: str
    action: Action
    dry_run: bool
    run: str
    store: str
    acted: tuple[Acted, ...]
    already: tuple[str, ...]
    refused: tuple[Refused, ...]
    freed: int
    stopped: str | None = None
    pending: int = 0
    include_unverified: bool = False

    @property
    def images(self) -> int:
        """How many images were acted on, sidecars not counted."""
        return sum(file.sidecar_of is None for file in self.acted)


@dataclass(frozen=True, slots=True)
class NotRestored:
    """A file that `undo` could not bring back, with the reason; `final` where no later try can."""

    path: str
    run: str
    reason: str
    final: bool = False


@dataclass(frozen=True)
class UndoResult:
    """What `undo` brought back; `runs` newest first; `damaged` counts journal lines that can't be read."""

    folder: str
    typed_folder: str
    runs: tuple[str, ...]
    restored: tuple[str, ...]
    failed: tuple[NotRestored, ...]
    damaged: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about two contents, `first` < `second` by hash, and their paths at that time."""

    first: str
    second: str
    same: bool
    when: str
    paths: tuple[str, str]
