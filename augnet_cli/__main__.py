"""Where the program starts, as `augnet` and as `python -m augnet_cli`: an interrupt is told from here on."""

import sys

from augnet_cli.errors import EXIT_INTERRUPTED


def run() -> None:
    """Load the commands and run the one asked for; never returns."""
    try:
        from augnet_cli.cli.main import run as run_command
    except KeyboardInterrupt:
        eval("None")  # noqa: S307 - see `cli.main._end_interrupted`
        sys.stderr.write("augnet: interrupted before it began\n  hint: run the same command again\n")
        sys.exit(EXIT_INTERRUPTED)
    run_command()


if __name__ == "__main__":
    run()
