"""What a run made, beside what serves: candidates are kept, and one takes the old encoder's place or not."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from augnet_cli.encoder.locate import TRAINED_NAME
from augnet_cli.errors import TrainingError
from augnet_cli.images.names import shown
from augnet_cli.training.evidence import FEWEST_IMAGES, Gain
from augnet_cli.training.whole import whole_file

CANDIDATES_FOLDER = "candidates"
PREVIOUS = "previous-"  # begins the name of one that served before
# The newest of those that were made, and of those that served: each takes some megabytes beside the photos.
CANDIDATES_KEPT = 5
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
        why = (error.strerror or "unknown reason").lower()
        raise TrainingError(
            f"{shown(folder)} can't be made: {why}", "see that it can be written and has room, then --resume"
        ) from error
    return folder


@contextlib.contextmanager
def taking(candidate: str, old_id: str, data: str) -> Iterator[str]:
    """Put a copy of `candidate` in the place of the folder's own encoder, as the block ends without error.

    Whatever stands there already, readable or not, is first copied among the candidates.

    Args:
        old_id: of the encoder that served, which names the copy where it is the folder's own.

    Yields:
        the path it will have.

    Raises:
        TrainingError: either copy can't be written; then nothing was replaced.
    """
    serving = serving_file(data)
    if os.path.exists(serving):
        _copy(serving, os.path.join(candidates_folder(data), f"{PREVIOUS}{old_id}.onnx"))
    with open(candidate, "rb") as read, whole_file(serving) as out:
        shutil.copyfileobj(read, out)
        yield serving


def serving_file(data: str) -> str:
    """Where the folder's own encoder stands, if it has one."""
    return os.path.join(data, TRAINED_NAME)


def forget_old_candidates(data: str, keep: str) -> None:
    """Remove all but the newest CANDIDATES_KEPT candidates, and as many that served; `keep` stays."""
    files = [
        entry
        for entry in os.scandir(candidates_folder(data))
        if entry.name.endswith(".onnx") and entry.path != keep
    ]
    files.sort(key=lambda entry: (entry.stat().st_mtime_ns, entry.name), reverse=True)
    made = [entry for entry in files if not entry.name.startswith(PREVIOUS)]
    served = [entry for entry in files if entry.name.startswith(PREVIOUS)]
    for entry in (*made[CANDIDATES_KEPT - 1 :], *served[CANDIDATES_KEPT:]):
        with contextlib.suppress(OSError):
            os.unlink(entry.path)


def _copy(source: str, target: str) -> None:
    with open(source, "rb") as read, whole_file(target) as out:
        shutil.copyfileobj(read, out)
