"""What `augnet dedupe` finds in a folder, and how much of it is right by a benchmark's truth.

For `verified.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from augnet_cli.evaluation.copies import CopyTruth
from augnet_cli.records import Group, Kept, Redundant
from augnet_cli.results import Suspect

# Why a pair is listed and not acted on; the second where each of both shows something that the other lacks.
UNVERIFIED, PARTIAL = "unverified", "partial"


@dataclass(frozen=True)
class Found:
    """The groups, and the pairs that are listed apart, as the JSON has them; without transforms."""

    groups: tuple[Group, ...]
    suspects: tuple[Suspect, ...]

    @property
    def redundant(self) -> tuple[Redundant, ...]:
        return tuple(image for group in self.groups for image in group.redundant)


@dataclass(frozen=True)
class Score:
    """How much of what was found is right.

    Attributes:
        recall: share of the altered copies that are in one group with their original; `recall_of` by kind.
        redundant: how many images may go; `wrong`: those whose witness is another picture.
        listed: by UNVERIFIED and PARTIAL, how many true and how many false pairs are listed apart.
    """

    recall: float
    recall_of: dict[str, float]
    redundant: int
    wrong: tuple[Redundant, ...]
    listed: dict[str, tuple[int, int]]

    @property
    def precision(self) -> float:
        return 1 - len(self.wrong) / max(1, self.redundant)


def dedupe_command(folder: Path, options: Sequence[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "augnet_cli"),
        *("dedupe", str(folder), "--format", "json", "--quiet"),
        *options,
    ]


def dedupe(folder: Path, options: Sequence[str], answer: Path) -> Found:
    """What `augnet dedupe` finds; its JSON stays in the file `answer`."""
    with answer.open("wb") as stream:
        subprocess.run(dedupe_command(folder, options), check=True, stdout=stream)
    return read_found(json.loads(answer.read_bytes()))


def read_found(answer: Mapping[str, Any]) -> Found:
    groups = [
        Group(Kept(star["kept"]["path"], star["kept"]["reason"]), tuple(map(_redundant, star["redundant"])))
        for star in answer["groups"]
    ]
    suspects = [
        Suspect(pair["path"], pair["other"], pair["distance"], tuple(pair["verdict"]))
        for pair in answer["unverified"]
    ]
    return Found(tuple(groups), tuple(suspects))


def _redundant(image: Mapping[str, Any]) -> Redundant:
    return Redundant(
        image["path"], image["distance"], image["witness"], image["verified"], tuple(image["verdict"])
    )


def judge(found: Found, truth: CopyTruth, equal: Callable[[str, str], bool]) -> Score:
    """Score what was found in a benchmark folder.

    Args:
        truth: of every image of the folder.
        equal: whether two images are the same file or hold the same pixels: such are the same picture even
            where the truth knows nothing of them.
    """
    group_of = dict(zip(truth.paths, truth.group.tolist(), strict=True))

    def same(one: str, other: str) -> bool:
        return 0 <= group_of[one] == group_of[other] or equal(one, other)

    star = {
        path: number
        for number, group in enumerate(found.groups)
        for path in (group.kept.path, *(image.path for image in group.redundant))
    }
    grouped = copies_by_kind(truth, lambda copy, original: copy in star and star[copy] == star.get(original))
    pairs = Counter(
        (PARTIAL if PARTIAL in pair.verdict else UNVERIFIED, same(pair.path, pair.other))
        for pair in found.suspects
    )
    return Score(
        recall=share(grouped.values()),
        recall_of={kind: share([hits]) for kind, hits in grouped.items()},
        redundant=len(found.redundant),
        wrong=tuple(image for image in found.redundant if not same(image.path, image.witness)),
        listed={word: (pairs[word, True], pairs[word, False]) for word in (UNVERIFIED, PARTIAL)},
    )


def copies_by_kind(truth: CopyTruth, holds: Callable[[str, str], bool]) -> dict[str, list[bool]]:
    """By kind of change, of each copy whether something holds for it and its original, two paths."""
    originals = originals_of(truth)
    hits: dict[str, list[bool]] = defaultdict(list)
    for path, group, is_original, kind in zip(
        truth.paths, truth.group.tolist(), truth.original.tolist(), truth.transform, strict=True
    ):
        if group >= 0 and not is_original:
            hits[kind].append(holds(path, originals[group]))
    return dict(hits)


def share(hits: Iterable[Sequence[bool]]) -> float:
    """Of all kinds of change together, the share of copies for which it holds."""
    return float(np.mean([hit for kind in hits for hit in kind]))


def originals_of(truth: CopyTruth) -> dict[int, str]:
    """The original of each group."""
    rows = np.flatnonzero(truth.original).tolist()
    return {int(truth.group[row]): truth.paths[row] for row in rows}


def equal_files(folder: Path) -> Callable[[str, str], bool]:
    """Whether two images of a folder have equal bytes, or equal pixels after their EXIF turns."""

    def pixels(path: str) -> np.ndarray:
        with Image.open(folder / path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))

    def equal(one: str, other: str) -> bool:
        if (folder / one).read_bytes() == (folder / other).read_bytes():
            return True
        return np.array_equal(pixels(one), pixels(other))

    return equal
