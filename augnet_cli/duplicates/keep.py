"""Which image of a group stays: rules in the user's order, the first that decides between two images wins.

Each rule gives an image a key of whole numbers that depends on that image alone, the smaller the better,
and after all rules the path decides, as bytes, whatever the locale.
So images are in one fixed order, and the same folder always gives the same groups.

How many steps of editing lie between an image and its source (`levels`) is found elsewhere, from geometry.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from augnet_cli.duplicates.scope import is_below
from augnet_cli.errors import UsageError
from augnet_cli.images.identify import KIND_BY_SUFFIX
from augnet_cli.images.names import shown
from augnet_cli.records import ImageRecord

Key = tuple[int, ...]
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of `--keep`.

    `values` are what follows the colon: suffixes in order (`format:png>jpg`), or the one folder
    (`folder:originals`); without a colon there are none.
    """

    name: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}:{'>'.join(self.values)}" if self.values else self.name


# Before all rules of a person: what lies below these folders stays.  Made by --reference, unknown to --keep.
REFERENCE = "reference"
DEFAULT_TEXT = "unedited,resolution,bytes,shortest-path"
DEFAULT_RULES = tuple(Rule(name) for name in DEFAULT_TEXT.split(","))


def keep_order(
    images: Sequence[ImageRecord],
    rules: Sequence[Rule] = DEFAULT_RULES,
    levels: Sequence[int] | None = None,
) -> list[int]:
    """Order the positions of `images`, the one most worth keeping first.

    Args:
        levels: steps of editing between each image and its source, 0 where nothing says that it was edited;
            None is 0 for all.
    """
    levels = [0] * len(images) if levels is None else levels
    keys = [
        (*(_key(rule, image, level) for rule in rules), os.fsencode(image.path))
        for image, level in zip(images, levels, strict=True)
    ]
    return sorted(range(len(images)), key=keys.__getitem__)


def keep_reason(
    kept: ImageRecord,
    others: Sequence[ImageRecord],
    rules: Sequence[Rule] = DEFAULT_RULES,
    levels: Sequence[int] | None = None,
) -> str:
    """Say which rule put `kept` before the next best of its group.

    Args:
        kept: the image that stays; none of `others` comes before it in keep order.
        others: the rest of its group, at least one.
        levels: those of `kept` and of each of `others`, in this order; None is 0 for all.
    """
    level, *theirs = [0] * (1 + len(others)) if levels is None else levels
    next_best = keep_order(others, rules, theirs)[0]
    for rule in rules:
        if _key(rule, kept, level) != _key(rule, others[next_best], theirs[next_best]):
            return _REASONS[rule.name](rule, kept, level, others[next_best])
    return "first path"


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Read rules as `--keep` takes them: `folder:originals,resolution`; spaces around commas do not count.

    `folder` may stand there several times, with different folders; the earlier one is preferred.
    The name of a folder can't hold a comma.

    Raises:
        UsageError: a rule is unknown, empty, given twice, or lacks its value or has one too many.
    """
    rules: list[Rule] = []
    for word in text.split(","):
        rule = _rule(word.strip())
        if rule in rules:
            raise UsageError(f"--keep names {shown(str(rule))} twice", "leave one of them out")
        if rule.name == "format" and any(one.name == "format" for one in rules):
            raise UsageError(f"--keep names {rule}, a second format", FORMAT_HINT)
        rules.append(rule)
    return tuple(rules)


def folders_without_images(rules: Sequence[Rule], images: Sequence[ImageRecord]) -> list[str]:
    """Folders that rules name and below which no image lies: they decide nothing, and may be misspelt."""
    return [
        rule.values[0]
        for rule in rules
        if rule.name == "folder" and not any(_is_below(image.path, rule.values[0]) for image in images)
    ]


def _rule(word: str) -> Rule:
    name, colon, value = (part.strip() for part in word.partition(":"))
    if not word:
        raise UsageError("--keep holds an empty rule", f"--keep {DEFAULT_TEXT}")
    if name not in _KEYS or name == REFERENCE:
        raise UsageError(f"--keep knows no rule {shown(name or word)}", f"choose from {', '.join(NAMES)}")
    if name == "format":
        return Rule(name, _formats(value))
    if name == "folder":
        return Rule(name, (_folder(value),))
    if colon:
        raise UsageError(f"the rule {name} takes no value, as in {shown(word)}", f"write {name} alone")
    return Rule(name)


def _formats(value: str) -> tuple[str, ...]:
    words = tuple(word.strip().lower().removeprefix(".") for word in value.split(">"))
    if not all(words):
        raise UsageError("the rule format needs suffixes, the best first", FORMAT_HINT)
    for word in words:
        if _kind(word) is None:
            raise UsageError(f"no image format has the suffix {shown(word)}", FORMAT_HINT)
    kinds = [_kind(word) for word in words]
    for place, word in enumerate(words):
        if kinds[place] in kinds[:place]:
            first = words[kinds.index(kinds[place])]
            again = "twice" if first == word else f"which is {first} again"
            raise UsageError(f"the rule format names {word}, {again}", "leave one of them out")
    return words


def _folder(value: str) -> str:
    """The folder in one form: `/` between parts, the top of FOLDER written `./`."""
    text = value.replace(os.sep, "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts:
        raise UsageError("the rule folder needs the name of a folder", FOLDER_HINT)
    if text.startswith("/") or ".." in parts:
        raise UsageError(f"{shown(value)} is not a path from FOLDER on", FOLDER_HINT)
    at_top = len(parts) == 1 and text.startswith("./")
    return "./" + parts[0] if at_top else "/".join(parts)


def _key(rule: Rule, image: ImageRecord, level: int) -> Key:
    return _KEYS[rule.name](rule, image, level)


def _kind(suffix: str) -> str | None:
    """The format that a suffix without its dot stands for: jpg and jpeg are one."""
    return KIND_BY_SUFFIX.get("." + suffix)


def _format_place(rule: Rule, image: ImageRecord) -> int:
    """The place of the image's suffix in the rule; after all of them where it is not there."""
    kind = _kind(os.path.splitext(image.path)[1].lower().removeprefix("."))
    kinds = [_kind(word) for word in rule.values]
    return kinds.index(kind) if kind in kinds else len(kinds)


def _is_below(path: str, folder: str) -> bool:
    """A name alone stands for folders at any depth, a path for the one folder, as in --exclude."""
    # Of two ways to write an accented letter, one is typed and the other found on some disks.
    above, wanted = (unicodedata.normalize("NFC", text) for text in (os.path.dirname(path), folder))
    if "/" in wanted:
        return f"{above}/".startswith(wanted.removeprefix("./") + "/")
    return wanted in above.split("/")


def _moment(image: ImageRecord) -> datetime:
    """When the picture was taken; where it does not say, when its file was written.

    One time for each image, not one field for each pair, or three images could follow each other in a ring.
    Cameras write the clock on the wall and no zone, so the file's time is local too: as UTC, a copy that was
    saved minutes after the shot would be hours older than it east of Greenwich.
    """
    if image.taken_at is not None:
        return datetime.fromisoformat(image.taken_at)
    return _written(image)


def _written(image: ImageRecord) -> datetime:
    """The time of the file by the clock here."""
    seconds = image.mtime_ns // 1_000_000_000
    try:
        return datetime.fromtimestamp(seconds)
    except (OSError, OverflowError, ValueError):  # a year beyond 9999, or before 1970 on Windows
        try:
            return EPOCH + timedelta(seconds=seconds)
        except OverflowError:
            return datetime.max if seconds > 0 else datetime.min


def _age(image: ImageRecord) -> Key:
    """Copies of one photo carry the same time taken; then the time of the file decides."""
    return (_moment(image) - EPOCH) // timedelta(seconds=1), image.mtime_ns


def _age_words(word: str, image: ImageRecord, next_best: ImageRecord) -> str:
    if _age(image)[0] == _age(next_best)[0]:
        return f"{word} file ({_written(image).isoformat(timespec='seconds')})"
    return f"{word} ({_moment(image).isoformat(timespec='seconds')})"


def _lengths(path: str) -> Key:
    """Fewer folders, then a shorter name, then shorter folders: copies are `x (1).jpg`, and in `backup/`."""
    return path.count("/"), len(os.path.basename(path)), len(path)


# The key of an image under a rule, smaller is better: (rule, image, level).
_KEYS: dict[str, Callable[[Rule, ImageRecord, int], Key]] = {
    "unedited": lambda rule, image, level: (level,),
    "resolution": lambda rule, image, level: (-image.pixels,),
    "bytes": lambda rule, image, level: (-image.size_bytes,),
    "oldest": lambda rule, image, level: _age(image),
    "newest": lambda rule, image, level: tuple(-number for number in _age(image)),
    "format": lambda rule, image, level: (_format_place(rule, image),),
    "folder": lambda rule, image, level: (not _is_below(image.path, rule.values[0]),),
    "shortest-path": lambda rule, image, level: _lengths(image.path),
    REFERENCE: lambda rule, image, level: (not any(is_below(image.path, folder) for folder in rule.values),),
}
# Why a rule chose an image: (rule, image, level, the image it was chosen before).
_REASONS: dict[str, Callable[[Rule, ImageRecord, int, ImageRecord], str]] = {
    "unedited": lambda rule, image, level, next_best: "less edited" if level else "unedited",
    "resolution": lambda rule, image, level, next_best: f"most pixels ({image.width} x {image.height})",
    "bytes": lambda rule, image, level, next_best: f"most bytes ({image.size_bytes:,})",
    "oldest": lambda rule, image, level, next_best: _age_words("oldest", image, next_best),
    "newest": lambda rule, image, level, next_best: _age_words("newest", image, next_best),
    "format": lambda rule, image, level, next_best: f"format {rule.values[_format_place(rule, image)]}",
    "folder": lambda rule, image, level, next_best: f"folder {shown(rule.values[0])}",
    "shortest-path": lambda rule, image, level, next_best: "shortest path",
    REFERENCE: lambda rule, image, level, next_best: "reference",
}
EXAMPLES = {"format": "format:png>jpg", "folder": "folder:originals"}
NAMES = tuple(EXAMPLES.get(name, name) for name in _KEYS if name != REFERENCE)
FORMAT_HINT = "--keep 'format:png>jpg,resolution', quoted for the shell"
FOLDER_HINT = "--keep folder:originals,resolution"
