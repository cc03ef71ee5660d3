"""Folders in which what was thrown away waits for its end: never entered, as no copy there is one to keep.

An image whose only other copy lies in a trash can would go for it, and with the emptying of the can for good.
"""

from __future__ import annotations

from collections.abc import Sequence

# In lower case: of macOS, Windows, network storages and digiKam; then of freedesktop.org's specification
# (`.Trash-1000` at the top of a disk, `Trash` in the home) and of Syncthing, which keeps what it replaced.
NAMES = frozenset((".trash", ".trashes", "$recycle.bin", "recycler", "#recycle", "@recycle", ".dtrash"))
BEGINNINGS = (".trash-", ".stversions")
IN_HOME = ("share", "trash")  # the last two parts of `~/.local/share/Trash`
# augnet's own, wherever its data lies: the quarantine beside the journal that tells of it.
JOURNAL, QUARANTINE = b"journal.jsonl", b"quarantine/"


def holds_trash(path: str) -> bool:
    """Whether the folder at a relative path is by its name a trash can."""
    parts = path.lower().split("/")
    return parts[-1] in NAMES or parts[-1].startswith(BEGINNINGS) or tuple(parts[-2:]) == IN_HOME


def without_quarantine(names: Sequence[bytes]) -> list[bytes]:
    """What a folder holds, those of folders ending in `/`, without augnet's own quarantine."""
    return [name for name in names if name != QUARANTINE or JOURNAL not in names]
