"""What a run made, beside what serves: candidates are kept, and one takes the old encoder's place or not."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import asdict, dataclass
from typing import Any

from augnet_cli.encoder.locate import TRAINED_NAME
from augnet_cli.errors import TrainingError
from augnet_cli.training.evidence import FEWEST_IMAGES, Gain
from augnet_cli.training.whole import whole_file

CANDIDATES_FOLDER = "candidates"
CANDIDATES_KEPT = 5  # the newest; each takes some megabytes beside the photos
REPLACE = ("better", "always")


@dataclass(frozen=True)
class Decision:
    """Whether the candidate takes the old encoder's place, and why, as a person would be told."""

    taken: bool
    why: str
    gain: Gain
    replace: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def decide(gain: Gain, replace: str) -> Decision:
    """Take the candidate if it finds more copies of the held-out images, by more than noise.

    What counts is µAP, because it looks at all distances: recall at one precision hangs on a few false
    pairs, and alignment, uniformity and rank say why an encoder is good, not whether.  The gain must be above
    0 in 95 of 100 resamples of the held-out images, of which there must be 5: an encoder that is as good as
    the old one is taken by mistake once in 20 times, a worse one less often.
    """
    interval = f"90 % interval {gain.low:+.3f} to {gain.high:+.3f}"
    told = f"µAP on copies of held-out images {gain.mean:+.3f} ({interval})"
    if replace == "always":
        return Decision(True, f"taken as --replace always says; {told}", gain, replace)
    if gain.images < FEWEST_IMAGES:
        why = f"{gain.images} held-out images are too few to show that it is better; {told}"
        return Decision(False, why, gain, replace)
    if gain.is_sure:
        return Decision(True, f"better: {told}", gain, replace)
    worse = gain.high < 0
    return Decision(False, f"{'worse' if worse else 'no better, beyond noise'}: {told}", gain, replace)


def candidates_folder(data: str) -> str:
    """The folder of candidates, made; `data` is `Place.data`."""
    folder = os.path.join(data, CANDIDATES_FOLDER)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder} can't be made: {error.strerror}", "make room on that disk") from error
    return folder


def take(candidate: str, old: str | None, old_id: str, data: str) -> str:
    """Put a copy of `candidate` in the place of the folder's own encoder; returns its path there.

    The one that was there before, `old`, stays among the candidates.
    """
    serving = os.path.join(data, TRAINED_NAME)
    if old == serving:
        _copy(serving, os.path.join(candidates_folder(data), f"{old_id}.onnx"))
    _copy(candidate, serving)
    return serving


def forget_old_candidates(data: str, keep: str) -> None:
    """Remove all but the newest CANDIDATES_KEPT candidates; `keep` stays whatever its age."""
    folder = candidates_folder(data)
    files = [entry for entry in os.scandir(folder) if entry.name.endswith(".onnx") and entry.path != keep]
    files.sort(key=lambda entry: (entry.stat().st_mtime_ns, entry.name), reverse=True)
    for entry in files[CANDIDATES_KEPT - 1 :]:
        with contextlib.suppress(OSError):
            os.unlink(entry.path)


def _copy(source: str, target: str) -> None:
    if os.path.exists(target) and os.path.samefile(source, target):
        return
    with open(source, "rb") as read, whole_file(target) as out:
        shutil.copyfileobj(read, out)
