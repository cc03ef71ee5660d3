"""The settings of a method as a person asks for them: names, defaults, and what each means.

A meaning is the comment beside the field in the method's file: it is written once.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# `    name: type = value  # meaning`, as a field of a config stands in its file.
FIELD = re.compile(r"^ {4}(\w+): .*?  # (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Setting:
    """One that `--set` changes; `default` is as it would be typed, `meaning` "" where the file says none."""

    name: str
    default: str
    meaning: str


def settings_of(config: type[Any]) -> list[Setting]:
    """All settings of a method's config, in their order."""
    meanings = _meanings(config)
    default = config()
    return [
        Setting(field.name, _typed(getattr(default, field.name)), meanings.get(field.name, ""))
        for field in dataclasses.fields(config)
    ]


def setting_lines(config: type[Any]) -> list[str]:
    """A line each: `name=default  meaning`, aligned."""
    told = [(f"{each.name}={each.default}", each.meaning) for each in settings_of(config)]
    width = max((len(typed) for typed, _ in told), default=0)
    return [f"{typed:{width}}  {meaning}".rstrip() for typed, meaning in told]


def _meanings(config: type[Any]) -> Mapping[str, str]:
    try:
        source = inspect.getsource(config)
    except (OSError, TypeError):  # a package without its sources
        return {}
    return dict(FIELD.findall(source))


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)
