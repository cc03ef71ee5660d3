"""The result of `leaks` for people: lines for a screen, and Markdown for a review or a page of results."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from augnet_cli.images.names import encoder_words, pasted, shown
from augnet_cli.records import EXACT
from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.text import SUSPECTS_SHOWN, count, distance_words, recall_lines, skipped_lines
from augnet_cli.results import Leak, LeaksResult, Split

MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~-])")  # what may mean something to Markdown


def leaks_lines(result: LeaksResult, style: Style = PLAIN) -> Iterator[str]:
    """Each leak with what it is in the other split, what is left open, then a summary and the next step."""
    for leak in result.leaks:
        words = ", ".join(
            [*_words(leak), *([f"labels differ: {_labels(leak)}"] if leak.labels_differ else [])]
        )
        remark = f"  {style.dim}{words}{style.reset}" if words else ""
        pair = f"{shown(leak.path)}  in {leak.other_split} as  {shown(leak.other)}"
        yield f"{distance_words(leak.distance, style)}  {pair}{remark}"
    if result.leaks:
        yield ""
    if result.unverified:
        pairs, meaning = count(len(result.unverified), "pair"), "near, but nothing proves the same picture"
        yield f"{style.bold}unverified{style.reset}  {pairs}: {meaning}"
        for suspect in result.unverified[:SUSPECTS_SHOWN]:
            both = f"{shown(suspect.path)}  {shown(suspect.other)}"
            yield f"  {distance_words(suspect.distance, style)}  {both}"
        if len(result.unverified) > SUSPECTS_SHOWN:
            yield f"  {len(result.unverified) - SUSPECTS_SHOWN:,} more (--format json lists all)"
        yield ""
    yield from skipped_lines(result.skipped, style)
    yield from recall_lines(result.recall)
    yield f"{style.bold}{_summary(result)}{style.reset}"
    if any(leak.split == result.splits[0].name for leak in result.leaks):
        yield f"next: `{_again(result)} --write-clean clean.txt` lists the images that may stay in train"


def leaks_markdown(result: LeaksResult) -> Iterator[str]:
    """A heading, a table of splits, a table of leaks; file names stand as text, whatever they hold."""
    yield f"## {_summary(result)}"
    yield ""
    yield "| split | folder | images | leaked |"
    yield "|---|---|---:|---:|"
    for split in result.splits:
        yield f"| {split.name} | {_cell(split.typed_folder)} | {split.images:,} | {split.leaked:,} |"
    if not result.leaks:
        return
    labels = ("label", "its label") if result.labelled else ()
    head = ("image", *labels[:1], "is also", *labels[1:], "distance", "verdict")
    yield ""
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for leak in result.leaks:
        remarks = [*_words(leak), *(["**labels differ**"] if leak.labels_differ else [])]
        first, second = [_cell(leak.path)], [_cell(leak.other)]
        if result.labelled:
            first.append(_cell(leak.label or ""))
            second.append(_cell(leak.other_label or ""))
        cells = (*first, *second, f"{leak.distance:.4f}", ", ".join(remarks))
        yield f"| {' | '.join(cells)} |"


def _summary(result: LeaksResult) -> str:
    """How many images of which split are in which other."""
    first, *others = result.splits
    images = ", ".join([f"{count(first.images, 'image')} in {first.name}", *map(_images, others)])
    met: dict[tuple[str, str], set[str]] = {}
    for leak in result.leaks:
        met.setdefault((leak.split, leak.other_split), set()).add(leak.path)
    if not met:
        within = "" if result.threshold is None else f" within distance {result.threshold:g}"
        return f"{images}: none is in two splits{within}"
    found = ", ".join(f"{len(paths):,} of {one} in {other}" for (one, other), paths in met.items())
    differ = sum(leak.labels_differ for leak in result.leaks)
    return f"{images}: {found}" + (f"; {count(differ, 'pair')} with different labels" if differ else "")


def _images(split: Split) -> str:
    return f"{split.images:,} in {split.name}"


def _again(result: LeaksResult) -> str:
    """The command that finds the same again."""
    words = " ".join(["augnet leaks", *(pasted(split.typed_folder) for split in result.splits)])
    words += encoder_words(result.typed_encoder)
    if result.threshold is not None:
        words += f" --threshold {result.threshold:.10g}"
    if not result.verified:
        words += " --no-verify"
    return words if result.search == EXACT else f"{words} --search {result.search}"


def _words(leak: Leak) -> list[str]:
    return [word for word in leak.verdict if word != "near"]


def _labels(leak: Leak) -> str:
    return f"{shown(leak.label or '')}, {shown(leak.other_label or '')}"


def _cell(text: str) -> str:
    """Text in a table of Markdown, with nothing in it that means something there."""
    return MARKUP.sub(r"\\\1", html.escape(shown(text), quote=False))
