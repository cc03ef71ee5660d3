"""`augnet`: the app, and the one place where an error becomes text and an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from augnet_cli.cli.terminal import end_progress, forget, write_to_people
from augnet_cli.cli.usage import in_our_words
from augnet_cli.errors import EXIT_INTERRUPTED, AugnetError, Interrupted

EXIT_BUG = 70  # sysexits.h EX_SOFTWARE


class Commands(TyperGroup):
    """Says itself what Typer would say in other words, or not at all.

    Words that the parser refuses; a command that is interrupted, or whose reader has gone.
    """

    def make_context(self, *words: Any, **settings: Any) -> Any:
        with in_our_words():
            return super().make_context(*words, **settings)

    def invoke(self, ctx: Any) -> Any:
        try:
            with in_our_words(ctx):
                return super().invoke(ctx)
        except Interrupted as stop:
            _say(stop.what, stop.hint)
            _end(EXIT_INTERRUPTED)
        except KeyboardInterrupt:
            _end_interrupted()
        except BrokenPipeError:
            # The reader of a help or version text (`head`) has gone: nothing is wrong.
            _end(0)


PURPOSE = "Find duplicates, clusters and look-alikes in a folder of images; train your own encoder for them."
# Short enough for one line each in `augnet --help`; the help of a command is its docstring.  Command NAME is
# the function NAME of the module NAME beside this one.
SUMMARIES = {
    "train": "Learn an encoder from a folder's own images.",
    "evaluate": "Judge an encoder by the classes of a data set.",
    "embed": "Embed the images of a folder that are new or changed.",
    "dedupe": "Find images that show the same picture; changes no file.",
    "apply": "Carry out a plan of dedupe; can be undone.",
    "undo": "Bring back what apply took away.",
    "decide": "Remember that two images are, or are not, the same picture.",
    "leaks": "Find images that are in two splits of a data set; a gate for CI.",
    "calibrate": "Say what a threshold means in a folder: precision and recall.",
    "cluster": "Split the images of a folder into clusters that belong together.",
    "query": "List the images that are nearest to an image, or to several.",
    "inspect": "Say what a folder is made of, and which pictures look wrong.",
    "info": "Say what augnet knows of a folder.",
    "bench": "Say how fast each stage is here, and what holds it back.",
}


def app_of(names: Iterable[str] = SUMMARIES) -> typer.Typer:
    """The program with these commands: to put the options of all together takes longer than some commands."""
    app = typer.Typer(
        name="augnet",
        cls=Commands,
        help=PURPOSE,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(main)
    for name in names:
        module = importlib.import_module(f"augnet_cli.cli.{name}")
        app.command(short_help=SUMMARIES[name])(getattr(module, name))
    return app


def _wanted() -> Iterable[str]:
    """The commands that the words typed can need: one, where they begin with it."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    return (first,) if first in SUMMARIES else SUMMARIES


def _version(wanted: bool) -> None:
    if wanted:
        from augnet_cli.version import __version__

        typer.echo(f"augnet {__version__}")
        raise typer.Exit


def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise AugnetError("the current folder no longer exists", "cd to one that does") from error


def run() -> None:
    """Run the program; never returns."""
    _fill_closed_streams()
    interrupts = _remember_interrupts()
    debug = "--debug" in sys.argv
    try:
        # One name however it was started: help, errors and shell completion say it.
        app_of(_wanted())(prog_name="augnet")
    except AugnetError as error:
        if debug:
            raise
        if interrupts:
            _end_interrupted()  # what could not be opened, or made, could not for that
        _say(error.what, error.hint)
        _end(error.exit_code)
    except KeyboardInterrupt:  # before a command runs: while its options are put together
        _end_interrupted()
    except Exception as error:
        if debug:
            raise
        if interrupts:
            # A compiled library that is interrupted says ImportError, SystemError or RuntimeError instead.
            _end_interrupted()
        _say(
            f"a bug in augnet: {type(error).__name__}: {error}",
            "run it again with --debug and report what it shows",
        )
        _end(EXIT_BUG)


def _remember_interrupts() -> list[int]:
    """A list that grows with each Ctrl-C, which still raises KeyboardInterrupt; left alone where ignored."""
    met: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        met.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, remember)
    return met


def _end_interrupted() -> NoReturn:
    # An interrupt that met an `exec` of a text, as dataclasses are made by, would end Python by a signal
    # though it was caught; any further text makes it forget that (CPython's run_eval_code_obj).
    eval("None")  # noqa: S307 (a constant)
    _say("interrupted; what was finished is saved", "run the same command again to go on")
    _end(EXIT_INTERRUPTED)


def _say(what: str, hint: str) -> None:
    end_progress()
    write_to_people(f"augnet: {_on_one_line(what)}\n  hint: {_on_one_line(hint)}\n")


def _on_one_line(text: str) -> str:
    """Line breaks as blanks; names keep the blanks that they have."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _end(code: int) -> NoReturn:
    # What stdout still holds can't be written: without this the interpreter would try, and complain.
    try:
        sys.stdout.flush()
    except OSError:
        forget(sys.stdout)
    sys.exit(code)


def _fill_closed_streams() -> None:
    """Started with `>&-` there is no stdout, and the next file opened would get its number; so with stdin."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open to the end
