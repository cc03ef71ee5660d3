"""Print one result in one format on stdout, and end with the exit code it deserves."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from augnet_cli.cli.options import Format
from augnet_cli.cli.terminal import forget, note
from augnet_cli.errors import EXIT_SKIPPED, AugnetError, UsageError

EXIT_FOUND = 11  # only with --fail-on-found; the number czkawka uses

if TYPE_CHECKING:
    from augnet_cli.report.style import Style
    from augnet_cli.results import CalibrationResult, ClusterResult, DedupeResult, EmbedResult, QueryResult

    Result = DedupeResult | QueryResult | ClusterResult | EmbedResult | CalibrationResult


def check_null(format: Format, null: bool) -> None:
    """Refuse -0 where it would do nothing, before any work is done."""
    if null and format is not Format.paths:
        raise UsageError("-0 ends paths, and the format is not paths", "--format paths -0")


def text_or_json(format: Format, command: str) -> None:
    """Refuse, before any work is done, a format that a command does not have."""
    if format not in (Format.text, Format.json):
        raise UsageError(f"{command} can't be printed as {format.value}", "--format text or json")


def colours() -> Style:
    """The looks that stdout can bear."""
    from augnet_cli.report.style import COLOUR, PLAIN

    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return PLAIN if plain else COLOUR


def show(
    result: Result,
    format: Format,
    null: bool = False,
    quiet: bool = False,
    pictures: Iterator[Iterable[str]] | None = None,
) -> None:
    """Write `result` to stdout; `pictures` are lines that draw the answers of a query.

    Raises:
        AugnetError: it can't be written.
    """
    with printing():
        if format is Format.paths:
            _show_paths(result, null, quiet)
        elif format is Format.text:
            _show_text(result, pictures)
        else:
            _show_data(result, format)


@contextmanager
def printing() -> Iterator[None]:
    """Around everything that writes to stdout: its failures become an error.

    A reader that has gone (`head`) has seen enough: the rest goes nowhere, and the command goes on to write
    its files and to end with the code that its result deserves.

    Raises:
        AugnetError: it can't be written.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        forget(sys.stdout)
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise AugnetError(f"the result can't be written: {why}", "send stdout to a disk with room") from error


def finish(
    found: bool = False, fail_on_found: bool = False, skipped: int = 0, strict: bool = False, used: int = 1
) -> None:
    """Exit with 11 or 3 where the user asked for that, and with 3 where images were skipped and none used."""
    if found and fail_on_found:
        raise typer.Exit(EXIT_FOUND)
    if skipped and not used:
        note(f"no image could be used, {skipped:,} skipped: the result says why")
    if skipped and (strict or not used):
        raise typer.Exit(EXIT_SKIPPED)


def _show_paths(result: Result, null: bool, quiet: bool) -> None:
    from augnet_cli.report.paths import paths_of, write_paths
    from augnet_cli.report.text import count
    from augnet_cli.results import CalibrationResult, EmbedResult

    if isinstance(result, EmbedResult | CalibrationResult):
        raise UsageError("there is nothing to list as paths", "--format text, json or csv")
    left_out = write_paths(paths_of(result), result.typed_folder, sys.stdout.buffer, null)
    if left_out:
        note(f"{count(left_out, 'path')} with a line break left out; -0 prints all", quiet)


def _show_text(result: Result, pictures: Iterator[Iterable[str]] | None) -> None:
    from augnet_cli.report import text
    from augnet_cli.results import CalibrationResult, ClusterResult, DedupeResult, QueryResult

    style = colours()
    if isinstance(result, DedupeResult):
        lines = text.dedupe_lines(result, style)
    elif isinstance(result, QueryResult):
        from augnet_cli.report.query_text import query_lines

        lines = query_lines(result, style, pictures)
    elif isinstance(result, ClusterResult):
        from augnet_cli.report.cluster_text import cluster_lines

        lines = cluster_lines(result, style)
    elif isinstance(result, CalibrationResult):
        lines = text.calibration_lines(result, style)
    else:
        lines = text.embed_lines(result, style)
    text.write_lines(lines, sys.stdout)


def _show_data(result: Result, format: Format) -> None:
    from augnet_cli.report import data
    from augnet_cli.results import CalibrationResult, ClusterResult, DedupeResult, QueryResult

    name: data.Format = "json" if format is Format.json else "csv"
    if isinstance(result, DedupeResult):
        data.write_dedupe(result, name, sys.stdout.buffer)
    elif isinstance(result, QueryResult):
        from augnet_cli.report.query_data import write_query

        write_query(result, name, sys.stdout.buffer)
    elif isinstance(result, ClusterResult):
        from augnet_cli.report.cluster_data import write_cluster

        write_cluster(result, name, sys.stdout.buffer)
    elif isinstance(result, CalibrationResult):
        data.write_calibration(result, name, sys.stdout.buffer)
    else:
        data.write_embed(result, name, sys.stdout.buffer)
