"""Results for people: lines of text that fit a screen.

Every file name goes through `images.names.shown`, and what decoders said too,
so the only control characters are the newlines between lines and the codes of the `Style`.
Lines are yielded one by one; nothing holds a whole report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TextIO

from augnet_cli.images.names import encoder_words, pasted, shown
from augnet_cli.records import CALIBRATED, DEFAULT_PRECISION, EXACT, Group, Recall, Redundant, Skip
from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.words import verdict_words
from augnet_cli.results import (
    CalibrationResult,
    CurvePoint,
    DedupeResult,
    EmbedResult,
    FolderInfo,
)

FLEETING = ("-", "/dev/stdin")  # lists that are read once
SUSPECTS_SHOWN = 10  # pairs of a kind that stay; the groups are what was asked for
NEAR, DECIDED = "near", "decided"  # verdicts of what rests on its distance, and on a person's word
SCREEN = 100  # characters: a verdict that does not fit beside the path has a line of its own
BELOW = " " * 10  # under the path
REASONS_SHOWN = 5  # kinds of skips; a screen has room for the groups above them too
REASON_WIDTH = 100  # characters; what a decoder mutters can be pages long
CURVE_ROWS = 14  # of the table: a screen has room for the kinds of change below it
WORTHLESS = 0.05  # precision under which a distance is of no use and left out
LEAST_FOUND = 2  # redundant images under which a distance tells nothing
KINDS_A_LINE = 4
KILO = 1000  # sizes in steps of 1000, as file managers and disk makers count
SIZE_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def write_lines(lines: Iterable[str], stream: TextIO) -> None:
    """Write lines to a text stream; what its encoding can't say becomes an escape, never an error."""
    encoding = stream.encoding or "utf-8"
    for line in lines:
        stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def dedupe_lines(result: DedupeResult, style: Style = PLAIN) -> Iterator[str]:
    """Each group with what stays first, what is left open, then a summary and the next step."""
    for group in result.groups:
        yield from _group(group, style)
        yield ""
    yield from _suspects(result, style)
    yield from _stacks(result, style)
    yield from skipped_lines(result.skipped, style)
    yield from recall_lines(result.recall)
    images = count(result.images, "image")
    within = "" if result.threshold is None else f" within distance {result.threshold:g}"
    if not result.groups:
        yield f"{style.bold}{images}, no duplicates{within}{style.reset}"
        if result.verified and result.threshold is not None:
            yield "next: without --threshold all likely pairs are looked at, whatever their distance"
        elif result.threshold is not None:
            yield f"next: a larger --threshold than {result.threshold:g} also finds looser copies"
        return
    redundant = f"{sum(len(group.redundant) for group in result.groups):,} redundant"
    size = size_words(result.redundant_bytes)
    groups = count(len(result.groups), "group")
    yield f"{style.bold}{images}, {groups}, {redundant} ({size}); nothing was changed{style.reset}"
    if result.plan is not None:
        unproved = any(not image.verified for group in result.groups for image in group.redundant)
        more = " --include-unverified" if unproved else ""
        command = f"augnet apply {pasted(result.plan)}{more}"
        yield f"next: look through {shown(result.plan)}, then `{command}` does it"
    elif "--files-from" in result.typed and result.typed[result.typed.index("--files-from") + 1] in FLEETING:
        yield "next: the same once more with `--format paths -0` lists the redundant ones"
    else:
        yield f"next: `{_again(result)} --format paths -0` lists the redundant ones"


def _again(result: DedupeResult) -> str:
    """The command that finds the same again."""
    again = " ".join(("augnet dedupe", *map(pasted, result.typed or (result.typed_folder,))))
    again += encoder_words(result.typed_encoder)
    if result.threshold is not None:
        again += f" --threshold {result.threshold:.10g}"
    if not result.verified:
        again += " --no-verify"
    if result.search != EXACT:
        again += f" --search {result.search}"
    if result.include_unverified:
        again += " --include-unverified"
    if result.keep is not None:
        again += f" --keep {pasted(result.keep, 'RULES')}"
    return again


def _suspects(result: DedupeResult, style: Style) -> Iterator[str]:
    """Pairs of which both stay, the nearest ones, and why."""
    for name, suspects, meaning in (
        ("partial", result.partial, "the first shows something that the second lacks"),
        ("unverified", result.unverified, "near, but nothing proves that they are the same picture"),
    ):
        if not suspects:
            continue
        pairs = count(len(suspects), "pair")
        yield f"{style.bold}{name}{style.reset}  {pairs}, both kept: {meaning}"
        for suspect in suspects[:SUSPECTS_SHOWN]:
            both = f"{shown(suspect.path)}  {shown(suspect.other)}"
            yield f"  {distance_words(suspect.distance, style)}  {both}"
        if len(suspects) > SUSPECTS_SHOWN:
            yield f"  {len(suspects) - SUSPECTS_SHOWN:,} more (--format json lists all)"
        yield ""


def _stacks(result: DedupeResult, style: Style) -> Iterator[str]:
    """Photos of one scene, a stack a block."""
    for stack in result.stacks:
        photos = f"{count(len(stack.paths), 'photo')} of one scene, all kept"
        yield f"{style.bold}stack{style.reset}   {photos}"
        for path in stack.paths:
            yield f"  {shown(path)}"
        yield ""


def calibration_lines(result: CalibrationResult, style: Style = PLAIN) -> Iterator[str]:
    """The table of distances, recall by kind of change at the threshold, then the threshold itself."""
    if result.curve:
        yield f"{style.bold}distance   precision (90 % interval)   recall    found{style.reset}"
        for point in _rows_shown(result):
            yield _curve_row(point, point.distance == result.threshold, style)
        yield ""
        yield from _kinds(result)
        yield ""
    yield from skipped_lines(result.skipped, style)
    images = count(result.contents, "different image")
    if result.threshold_from == CALIBRATED:
        source = f"at which a precision of {result.precision:g} is estimated"
    else:
        source = f"the encoder's own: {result.why_not}"
    yield f"{style.bold}{images}, threshold {result.threshold:g}{style.reset}, {source}"
    asked = "" if result.precision == DEFAULT_PRECISION else f" --precision {result.precision:g}"
    by = encoder_words(result.typed_encoder)
    yield f"next: `augnet dedupe {pasted(result.typed_folder)}{by} --no-verify{asked}` uses it"


def _rows_shown(result: CalibrationResult) -> list[CurvePoint]:
    """A few distances, evenly over all that are of use, the threshold among them."""
    useful = [point for point in result.curve if point.found >= LEAST_FOUND and point.precision >= WORTHLESS]
    step = max(1, -(-len(useful) // CURVE_ROWS))
    chosen = useful[::step]
    at = [point for point in result.curve if point.distance == result.threshold]
    return sorted(
        {point.distance: point for point in [*chosen, *at]}.values(), key=lambda point: point.distance
    )


def _curve_row(point: CurvePoint, chosen: bool, style: Style) -> str:
    interval = f"{point.low:.3f} to {point.high:.3f}"
    shares = f"{point.precision:.3f}  ({interval})   {point.recall:.2f}"
    row = f"{point.distance:<9.4g}  {shares}  {point.found:9,.0f}"
    return f"{style.green}{row}  threshold{style.reset}" if chosen else row


def _kinds(result: CalibrationResult) -> Iterator[str]:
    """Recall of each kind of change at the threshold, the weakest first, several a line."""
    at = next((point for point in result.curve if point.distance == result.threshold), None)
    if at is None:
        return
    yield f"recall at the threshold by kind of change (altered copies of {count(result.altered, 'image')}):"
    kinds = sorted(at.recall_of, key=lambda kind: (at.recall_of[kind], kind))
    cells = [f"{at.recall_of[kind]:.2f} {kind:<14}" for kind in kinds]
    for start in range(0, len(cells), KINDS_A_LINE):
        yield f"  {'  '.join(cells[start : start + KINDS_A_LINE]).rstrip()}"


def embed_lines(result: EmbedResult, style: Style = PLAIN) -> Iterator[str]:
    """What was skipped, then what was done, in one line."""
    yield from skipped_lines(result.skipped, style)
    parts = [f"{result.embedded:,} embedded now", f"{result.known:,} known"]
    if result.removed:
        parts.append(f"{result.removed:,} removed from the store")
    if result.others:
        parts.append(f"{count(result.others, 'other file')} left alone")
    images = count(result.images, "image")
    yield f"{style.bold}{images}{style.reset}: {', '.join(parts)} ({result.seconds:.1f} s)"


def info_lines(result: FolderInfo) -> Iterator[str]:
    """What is known of a folder, a fact a line."""
    index = result.index
    if index is None or not index.get("usable"):
        search = "exact" + (f" ({index['why']})" if index and index.get("why") else "")
    else:
        search = f"annoy, recall {index['recall']} beside exact search"
    yield f"augnet     {result.augnet}"
    yield f"folder     {shown(result.folder)}"
    if result.store is None:
        yield f"store      none yet; `augnet embed {pasted(result.folder)}` makes it"
    else:
        yield f"store      {shown(result.store)}, {size_words(result.store_bytes)}"
        yield f"images     {result.images:,}, {result.skipped:,} skipped, {result.others:,} other files"
    made_by = f"{result.encoder_method}, {result.dim} numbers"
    yield f"encoder    {result.encoder} ({made_by}), {shown(result.encoder_file)}"
    yield f"threshold  {result.threshold:g}, the distance at precision 0.99 on its training images"
    yield f"search     {search}"
    yield f"annoy      {'works' if result.annoy is None else _harmless(result.annoy)}"
    yield f"decoders   {result.decoders}"


def count(number: int, noun: str) -> str:
    """`1 image`, `1,200 images`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size_words(size_bytes: int) -> str:
    """`17 bytes`, `4.2 MB`, `310 MB`: two or three digits, powers of 1000."""
    size = float(size_bytes)
    unit = SIZE_UNITS[0]
    for unit in SIZE_UNITS:
        if round(size) < KILO or unit == SIZE_UNITS[-1]:
            break
        size /= KILO
    if unit == SIZE_UNITS[0]:
        return count(size_bytes, "byte")
    return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"


def _group(group: Group, style: Style) -> Iterator[str]:
    kept = f"{style.bold}{shown(group.kept.path)}{style.reset}"
    yield f"{style.green}keep{style.reset}    {kept}  {style.dim}{group.kept.reason}{style.reset}"
    for image in group.redundant:
        path, remark = shown(image.path), ", ".join(_remarks(image, group))
        line = f"  {distance_words(image.distance, style)}  {path}"
        if not remark:
            yield line
        elif len(BELOW) + len(path) + 2 + len(remark) <= SCREEN:
            yield f"{line}  {style.dim}{remark}{style.reset}"
        else:
            yield line
            yield f"{BELOW}{style.dim}{remark}{style.reset}"


def _remarks(image: Redundant, group: Group) -> Iterator[str]:
    """What the distance alone does not say: the verdict, and a witness other than the kept image."""
    for word in verdict_words(image):
        if word != NEAR:
            yield "as you decided" if word == DECIDED else word
    if image.witness != group.kept.path:
        yield f"as in {shown(image.witness)}"


def skipped_lines(skipped: tuple[Skip, ...], style: Style) -> Iterator[str]:
    """How many were skipped, the commonest reasons with one file each, and where all are listed."""
    if not skipped:
        return
    tally = Counter(skip.reason for skip in skipped)
    example = {skip.reason: skip.path for skip in reversed(skipped)}
    by_count = sorted(tally, key=lambda reason: (-tally[reason], reason))
    yield f"{style.red}{count(len(skipped), 'image')} skipped{style.reset} (--format json lists all):"
    for reason in by_count[:REASONS_SHOWN]:
        also = ", e.g." if tally[reason] > 1 else ":"
        yield f"  {tally[reason]:,}  {_cut(_harmless(reason))}{also} {shown(example[reason])}"
    if len(by_count) > REASONS_SHOWN:
        rest = by_count[REASONS_SHOWN:]
        yield f"  {sum(tally[reason] for reason in rest):,}  for {count(len(rest), 'other reason')}"
    yield ""


def recall_lines(recall: Recall | None) -> Iterator[str]:
    """How much a search that is not exact finds, and how that is known."""
    if recall is not None:
        found = f"{recall.found:,} of the {count(recall.pairs, 'pair')} of {count(recall.rows, 'image')}"
        yield f"partitioned search: finds {found} that were compared with all others"
        yield f"  so with {recall.confidence:.0%} confidence at least {recall.at_least:.1%} of all pairs"
        yield ""


def _harmless(text: str) -> str:
    """A reason without control characters; its backslashes stay, for it may hold escapes already."""
    return "\\".join(shown(part) for part in text.split("\\"))


def _cut(text: str) -> str:
    return text if len(text) <= REASON_WIDTH else text[: REASON_WIDTH - 3] + "..."


def distance_words(distance: float, style: Style) -> str:
    """`0.0123`: columns of distances stand below each other."""
    return f"{style.dim}{float(distance):.4f}{style.reset}"
