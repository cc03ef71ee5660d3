"""Write `docs/commands.md` from the program's own help.  python docs/make_commands.py

A test compares the page with the program.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("commands.md")
COMMANDS = (
    "",
    "embed",
    "dedupe",
    "apply",
    "undo",
    "decide",
    "leaks",
    "calibrate",
    "query",
    "cluster",
    "train",
    "evaluate",
    "inspect",
    "info",
    "bench",
)
HEAD = "# Commands\n\nThis page is written by `python docs/make_commands.py` from the program's own help.\n"


def help_of(command: str) -> str:
    """What `augnet COMMAND --help` prints on a terminal of 100 columns."""
    code = "import sys; sys.argv[0] = 'augnet'; from augnet_cli.cli.main import run; run()"
    words = [sys.executable, "-c", code, *command.split(), "--help"]
    environment = os.environ | {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for command in COMMANDS:
        title = f"augnet {command}".strip()
        parts.append(f"## {title}\n\n```\n{help_of(command)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
