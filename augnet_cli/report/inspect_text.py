"""What `inspect` found, for people: what is there in a dozen lines, then what looks wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from augnet_cli.images.names import pasted, shown
from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.text import SCREEN, count, size_words, skipped_lines
from augnet_cli.results import Extremes, InspectedImage, InspectResult, Measures
from augnet_cli.results.inspect import (
    BLURRED,
    BRIGHT,
    DARK,
    FLAGS,
    GREY,
    HARMLESS,
    LOW_INFORMATION,
    ODD_ASPECT,
    ODD_SIZE,
)

LABEL = 11  # characters: the longest label and two blanks
NAMES_SHOWN = 4  # formats, cameras, folders: the rest is counted
MORE = ", 1,000 more 100,000"  # how long that may get
EXAMPLES = 3  # of each flag; --format paths lists all
MEGAPIXEL = 1_000_000
MEANING = {
    DARK: "even its lightest parts are dark",
    BRIGHT: "washed out, or burnt out to white",
    BLURRED: "out of focus, or shaken",
    LOW_INFORMATION: "nothing to be seen",
    ODD_ASPECT: "far longer than the others",
    ODD_SIZE: "far smaller or larger than the others",
    GREY: "without colour; not counted as wrong",
}


def inspect_lines(result: InspectResult, style: Style = PLAIN) -> Iterator[str]:
    """The summary, the flags with a few paths each, what was skipped, and the next step."""
    yield from _contents(result, style)
    yield ""
    yield from _flags(result, style)
    yield from skipped_lines((*result.skipped, *result.unread), style)
    wrong = sum(1 for _ in result.flagged)
    images = count(result.total, "image")
    what = " or ".join(result.only) if result.only else f"{'looks' if wrong == 1 else 'look'} wrong"
    yield f"{style.bold}{images}, {wrong:,} {what}; nothing was changed{style.reset}"
    if wrong:
        again = f"augnet inspect {pasted(result.typed_folder)}"
        again += f" --only {','.join(result.only)}" if result.only else ""
        yield f"next: `{again} --format paths` lists them"


def _contents(result: InspectResult, style: Style) -> Iterator[str]:
    """A fact a line."""
    others = f", {count(result.others, 'other file')}" if result.others else ""
    yield _line("images", f"{result.total:,}, {size_words(result.total_bytes)}{others}", style)
    yield from _names("formats", result.formats, style)
    yield from _sizes("size", result.by_pixels, _pixels, style)
    yield from _sizes("bytes", result.by_bytes, lambda image: size_words(image.size_bytes), style)
    first, last = result.first_taken, result.last_taken
    if first is not None and last is not None:
        days = _date(first) if _date(first) == _date(last) else f"{_date(first)} to {_date(last)}"
        yield _line("taken", f"{days} ({result.dated:,} say when)", style)
    yield from _names("cameras", result.cameras, style)
    folders = [(f"{name}/" if name else "./", number) for name, number in result.folders]
    yield from _names("folders", folders, style)
    if result.identical_groups:
        files = f"{result.identical_files:,} files in {count(result.identical_groups, 'group')}"
        yield _line("identical", f"{files}, {size_words(result.identical_bytes)} redundant", style)
    if result.near is not None and result.near.pairs:
        near = f"{count(result.near.contents, 'different file')} in {count(result.near.pairs, 'pair')}"
        yield _line("near", f"{near} within distance {result.near.threshold:g}", style)


def _line(label: str, text: str, style: Style) -> str:
    return f"{style.bold}{label}{style.reset}{' ' * (LABEL - len(label))}{text}"


def _names(label: str, names: Sequence[tuple[str, int]], style: Style) -> Iterator[str]:
    """`JPEG 1,203, PNG 14`: the commonest first, as many as fit, the rest counted."""
    if not names:
        return
    parts = [f"{shown(name)} {number:,}" for name, number in names[:NAMES_SHOWN]]
    while len(parts) > 1 and len(", ".join(parts)) > SCREEN - LABEL - len(MORE):
        parts.pop()
    rest = names[len(parts) :]
    if rest:
        parts.append(f"{len(rest):,} more {sum(number for _, number in rest):,}")
    yield _line(label, ", ".join(parts), style)


def _sizes(
    label: str, extremes: Extremes | None, words: Callable[[InspectedImage], str], style: Style
) -> Iterator[str]:
    """The smallest, the median and the largest, each with its path, or all at once where they are one."""
    if extremes is None:
        return
    smallest, median, largest = map(words, (extremes.smallest, extremes.median, extremes.largest))
    if smallest == largest:
        yield _line(label, f"all {smallest}", style)
        return
    width = max(map(len, (smallest, median, largest)))
    for name, text, image in (
        (label, smallest, extremes.smallest),
        ("", median, None),
        ("", largest, extremes.largest),
    ):
        path = "median" if image is None else shown(image.path)
        yield _line(name, f"{text:>{width}}  {style.dim}{path}{style.reset}", style)


def _pixels(image: InspectedImage) -> str:
    return f"{image.width} x {image.height}"


def _date(image: InspectedImage) -> str:
    return (image.taken_at or "").partition("T")[0]


def _flags(result: InspectResult, style: Style) -> Iterator[str]:
    """Each flag that some image has, how many, what it means, and a few paths."""
    for flag in FLAGS:
        if not result.counts[flag] or (result.only and flag not in result.only):
            continue
        colour = "" if flag in HARMLESS else style.red
        head = f"{colour}{flag}{style.reset}"
        yield f"{head}  {count(result.counts[flag], 'image')}: {MEANING[flag]}"
        examples = [image for image in result.images if flag in image.flags]
        if flag in HARMLESS and not result.only:
            continue
        for image in sorted(examples, key=lambda image: _how_bad(image, flag))[:EXAMPLES]:
            yield f"  {shown(image.path)}{style.dim}{_remark(image, flag)}{style.reset}"
        if len(examples) > EXAMPLES:
            yield f"  {len(examples) - EXAMPLES:,} more"
    if any(result.counts.values()):
        yield ""


def _how_bad(image: InspectedImage, flag: str) -> float:
    """Of a flag's images the worst come first; ties by path."""
    if image.measures is None:
        return 0.0
    return {
        DARK: image.measures.grey_p95,
        BRIGHT: -image.measures.grey_p1,
        BLURRED: -_width(image.measures),
        LOW_INFORMATION: image.measures.detail,
    }.get(flag, 0.0)


def _remark(image: InspectedImage, flag: str) -> str:
    if flag == BLURRED and image.measures is not None:
        return f"  over {_width(image.measures) * image.measures.scale:.1f} pixels"
    if flag in (ODD_ASPECT, ODD_SIZE):
        return f"  {_pixels(image)}"
    return ""


def _width(measures: Measures) -> float:
    """Of the blur in pixels of a screen, along the worst direction."""
    return max(measures.blur or 0.0, measures.smear or 0.0)
