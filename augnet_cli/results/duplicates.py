"""What `dedupe`, `leaks` and `calibrate` found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from augnet_cli.records import EXACT, GIVEN, Group, Recall, Skip, Transform

PARTIAL = "partial"  # a word of a verdict


@dataclass(frozen=True, slots=True)
class Suspect:
    """Two images that may be the same picture, of which neither is held to be redundant, with the reason.

    `verdict` is `("unverified",)` where nothing proves it, or holds `partial` where `path` shows something
    that `other` lacks; `transform` is that of `path` in `other`.
    """

    path: str
    other: str
    distance: float
    verdict: tuple[str, ...]
    transform: Transform | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """Photos of one scene, taken moments apart: related, but none is redundant; in path order."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class DedupeResult:
    """What `dedupe` found; nothing on disk was changed.

    `folder` is the absolute path; `typed_folder` and `keep` are the user's words, `typed` all those that say
    where to look.  Images outside of the folder have absolute paths; `searched` are all folders searched.
    `threshold` is None where pairs were proved or decided, and none had to lie within a distance;
    `threshold_from` says who chose it: the user, a calibration on this folder, the encoder's card, or nobody
    (AUTO).
    `verified`: groups are proved, apart from unverified ones where they were to be included.
    `plan` is the file in which what may go was written down, as the user named it.
    `search` is how pairs were to be looked for, `recall` None where that was exact in the end;
    `typed_encoder` the encoder that the user named, if any.
    """

    folder: str
    typed_folder: str
    encoder: str
    threshold: float | None
    images: int
    groups: tuple[Group, ...]
    skipped: tuple[Skip, ...]
    redundant_bytes: int = 0
    threshold_from: str = GIVEN
    suspects: tuple[Suspect, ...] = ()
    stacks: tuple[Stack, ...] = ()
    keep: str | None = None
    verified: bool = False
    include_unverified: bool = False
    typed: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    plan: str | None = None
    search: str = EXACT
    recall: Recall | None = None
    typed_encoder: str | None = None

    @property
    def partial(self) -> tuple[Suspect, ...]:
        """Pairs of images of which the first shows something that the second lacks."""
        return tuple(suspect for suspect in self.suspects if PARTIAL in suspect.verdict)

    @property
    def unverified(self) -> tuple[Suspect, ...]:
        """Pairs near enough to be suspected that nothing proves."""
        return tuple(suspect for suspect in self.suspects if PARTIAL not in suspect.verdict)

    @property
    def redundant_paths(self) -> tuple[str, ...]:
        """Paths that may go, in order of group."""
        return tuple(image.path for group in self.groups for image in group.redundant)


@dataclass(frozen=True, slots=True)
class Split:
    """One folder of a data set: `name` is train, test or val; `leaked` of its images are in another one."""

    name: str
    folder: str
    typed_folder: str
    images: int
    leaked: int


@dataclass(frozen=True, slots=True)
class Leak:
    """An image of one split that shows the same picture as one of another.

    `path` is the one that a clean data set has no more; `transform` is how it lies in `other`, and `verdict`
    what was done to one of them to make the other.  Labels are the names of classes, None where the splits
    are not laid out by class.
    """

    path: str
    split: str
    other: str
    other_split: str
    distance: float
    verified: bool
    verdict: tuple[str, ...]
    transform: Transform | None = None
    label: str | None = None
    other_label: str | None = None

    @property
    def labels_differ(self) -> bool:
        """Whether one picture has two labels: at most one of them is right."""
        return self.label != self.other_label


@dataclass(frozen=True)
class LeaksResult:
    """What `leaks` found; paths are relative to `folder`, which holds all splits.

    `threshold`, `threshold_from`, `verified`, `search`, `recall` and `typed_encoder` are as in
    `DedupeResult`.  `leaks` names each leaked image at least once, `unverified` pairs that are near and that
    nothing proves.
    """

    folder: str
    encoder: str
    threshold: float | None
    threshold_from: str
    splits: tuple[Split, ...]
    leaks: tuple[Leak, ...]
    unverified: tuple[Suspect, ...]
    skipped: tuple[Skip, ...]
    verified: bool
    labelled: bool
    search: str = EXACT
    recall: Recall | None = None
    typed_encoder: str | None = None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a threshold would let in.

    `found` redundant images at or under `distance`, of which `false` are expected to be wrong; `precision` is
    1 - false / found, with its 90 % interval from `low` to `high`; `recall` is the share of altered copies of
    the folder's own images that are found, over all kinds of change alike, and `recall_of` by kind.
    """

    distance: float
    found: float
    false: float
    precision: float
    low: float
    high: float
    recall: float
    recall_of: Mapping[str, float]


@dataclass(frozen=True)
class CalibrationResult:
    """What distances mean in a folder, and the one to use for a precision.

    `contents` different images were judged, `altered` of them by altered copies; `curve`, nearest first, is
    empty where they are too few for it and the threshold is the card's (`threshold_from`); `why_not` says so.
    """

    folder: str
    typed_folder: str
    encoder: str
    contents: int
    altered: int
    precision: float
    threshold: float
    threshold_from: str
    curve: tuple[CurvePoint, ...]
    skipped: tuple[Skip, ...]
    why_not: str = ""
    typed_encoder: str | None = None  # as the user named it, if at all
