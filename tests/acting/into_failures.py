"""Every call of `--into` that changes a file fails once: `python into_failures.py FOLDER`.

As in `injected_failures.py`, whose faults these are: for each kind of link the calls of one whole run are
counted, and then the run is done again for each of them, in a process that is killed there, gets an error, or
Ctrl-C. After each the images are as they were, the earlier folder or the new one stands whole, and the next
run makes the new one and leaves nothing beside it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from acting_examples import put, tree
from injected_failures import (
    DONE,
    INTERRUPTED,
    KINDS,
    KNOWN,
    ODD,
    Fault,
    Snapshot,
    in_child,
)

from augnet_cli.acting.into import LINKS, write_into
from augnet_cli.acting.own_tree import MARKER
from augnet_cli.errors import AugnetError
from augnet_cli.results import Cluster, ClusterResult

IMAGES = {"a/same.jpg": b"one", "b/same.jpg": b"two", "quote ' \".jpg": b"three", f"deep/er/{ODD}": b"four"}


def result_of(photos: Path, *clusters: tuple[str, ...]) -> ClusterResult:
    made = tuple(
        Cluster(number, len(members), members[:1], members, name=f"name {number}")
        for number, members in enumerate(clusters)
    )
    return ClusterResult(str(photos), "photos", "encoder", made, ())


def earlier(root: Path) -> ClusterResult:
    return result_of(root / "photos", tuple(IMAGES))


def later(root: Path) -> ClusterResult:
    first, second, *rest = IMAGES
    return result_of(root / "photos", (first, second), tuple(rest))


def made(root: Path, result: ClusterResult, link: str) -> Callable[[], int]:
    def work() -> int:
        try:
            write_into(result, str(root / "out" / "DIR"), link)
        except AugnetError:
            return KNOWN
        return DONE

    return work


def whole(folder: Path) -> dict[str, tuple[object, ...]]:
    """All in a folder, but for when its marker was written."""
    return {path: fact[:2] if path == MARKER else fact for path, fact in tree(folder).items()}


def check(root: Path, before: dict, standing: tuple[dict, dict], killed: bool) -> None:
    assert tree(root / "photos") == before, "the images were touched"
    made_now = root / "out" / "DIR"
    hidden = root / "out" / ".DIR.augnet-old"
    there = made_now if made_now.exists() else hidden
    assert killed or there is made_now, "the earlier folder lost its name"
    assert whole(there) in standing, f"{there.name} is not whole"


def try_one(root: Path, link: str, fault: Fault, before: dict, standing: tuple[dict, dict]) -> None:
    ended, _ = in_child(made(root, later(root), link), fault, "whole")
    assert ended in (DONE, KNOWN, INTERRUPTED, -signal.SIGKILL), f"it ended with {ended}"
    check(root, before, standing, ended == -signal.SIGKILL)
    assert in_child(made(root, later(root), link), None, "whole")[0] == DONE, "the next run fails"
    assert whole(root / "out" / "DIR") == standing[1], "the next run makes something else"
    assert os.listdir(root / "out") == ["DIR"], "something is left"
    assert tree(root / "photos") == before, "the images were touched"


def run_link(root: Path, link: str) -> int:
    """All faults of one kind of link; gives how many there were."""
    put(root / "photos", IMAGES)
    (root / "out").mkdir()
    before = tree(root / "photos")
    assert in_child(made(root, earlier(root), link), None, "whole")[0] == DONE
    old, start = whole(root / "out" / "DIR"), Snapshot.of(root)
    ended, calls = in_child(made(root, later(root), link), None, "whole")
    new = whole(root / "out" / "DIR")
    assert ended == DONE and new != old and calls
    tried = 0
    for call in range(1, calls + 1):
        for kind in {KINDS[0], KINDS[call % len(KINDS)]}:
            start.lay_out(root)
            fault = Fault(call, kind)
            try:
                try_one(root, link, fault, before, (old, new))
            except AssertionError as error:
                raise AssertionError(f"{link}, {fault}: {error}") from error
            tried += 1
    return tried


def main() -> None:
    gc.disable()
    gc.freeze()
    for link in LINKS:
        root = Path(sys.argv[1]) / link
        root.mkdir()
        print(json.dumps({"link": link, "failures": run_link(root, link)}), flush=True)


if __name__ == "__main__":
    main()
