"""Words that the parser refuses, as an error of augnet's own: what is wrong, then the next command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from augnet_cli.errors import UsageError

# The parser's own error, whichever library Typer has for a parser (click, or its own copy of it).
ParserError: type[Any] = typer.BadParameter.__mro__[1]
# Raised with the whole help as its text where no command is named: that is an answer.
HELP_AS_ERROR = "NoArgsIsHelpError"
# What different versions of the parser say, and what we say instead.
REWORDED = (
    (r"Invalid value for '(.+?)': ", r"\1: "),
    (r"Value error, ", ""),
    (r"Input should", "it should"),
    (r"argument\(s\)", "arguments"),
)


@contextmanager
def in_our_words(context: Any = None) -> Iterator[None]:
    """Around the parsing of words; `context` is the parser's, where a command was named already.

    Raises:
        UsageError: the parser refuses them.
    """
    try:
        yield
    except ParserError as error:
        if type(error).__name__ == HELP_AS_ERROR:
            raise
        raise _refused(error, context) from None


def _refused(error: Any, context: Any) -> UsageError:
    from augnet_cli.images.names import shown

    meant = " or ".join(sorted(getattr(error, "possibilities", None) or ()))
    words, _, suggested = (error.message if meant else error.format_message()).partition(" Did you mean ")
    for theirs, ours in REWORDED:
        words = re.sub(theirs, ours, words)
    words = words.strip().rstrip(".")
    # Newer parsers have escaped what would move a terminal's cursor.
    words = words if words.isprintable() else shown(words)
    meant = meant or suggested.strip("?").replace("'", "")
    help = f"{_command_of(error.ctx, context)} --help"
    hint = f"did you mean {meant}? `{help}` says more" if meant else help
    return UsageError(words[:1].lower() + words[1:], hint)


def _command_of(own: Any, outer: Any) -> str:
    """The command that was being parsed; some errors don't know theirs."""
    if own is not None:
        return str(own.command_path)
    words = ["augnet", outer.invoked_subcommand if outer is not None else None]
    return " ".join(filter(None, words))
