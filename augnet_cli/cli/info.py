"""`augnet info`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from augnet_cli.cli import options
from augnet_cli.cli.output import printing
from augnet_cli.errors import UsageError


def info(
    folder: options.Folder,
    encoder: options.Encoder = None,
    format: options.OutputFormat = options.Format.text,
    debug: options.Debug = False,
) -> None:
    """Say what augnet knows of FOLDER: its store, encoder and index, and whether annoy works here.

    Example: augnet info ./photos
    """
    from augnet_cli.pipeline.info import info as verb
    from augnet_cli.report.text import info_lines, write_lines

    if format not in (options.Format.text, options.Format.json):
        raise UsageError(f"info can't be printed as {format.value}", "--format text or json")
    result = verb(folder, encoder)
    with printing():
        if format is options.Format.json:
            sys.stdout.write(json.dumps(asdict(result), indent=1) + "\n")
        else:
            write_lines(info_lines(result), sys.stdout)
