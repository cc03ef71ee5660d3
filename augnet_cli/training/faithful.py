"""`faithful=true`: the switches that give a method its published behaviour, the same way for all methods.

A method's config has a field `faithful` and a table PUBLISHED of what it sets; `take_published` puts that in
place where a config is made, so that nothing else need ask.

Without it two things differ in all methods: a new linear head begins as principal axes (`new_head`), not at
random; and a method that is watched (`Method.is_watched`) stops where it finds no more copies, and ends with
the state that found most.

With it, too, a new encoder takes mean and deviation of the images at hand, all pixels together; the published
codes write down those of their data set, some as the mean of each picture's deviation, which is smaller.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from augnet_cli.errors import UsageError

TABLE = "PUBLISHED"  # of a config's class: names of its fields and their published values
# The same where another field has some value: by that field and its value, what differs from the table.
TABLE_WHERE = "PUBLISHED_WHERE"


def take_published(config: Any) -> None:
    """Set each field of a frozen config's table to its published value, if it is to be `faithful`.

    Called at the end of its `__post_init__`.

    Raises:
        UsageError: a field holds neither its default nor its published value.
    """
    if not config.faithful:
        return
    for name, value in published(config).items():
        if getattr(config, name) not in (value, config.__dataclass_fields__[name].default):
            raise contradiction(name, getattr(config, name))
        object.__setattr__(config, name, value)  # the one moment at which a frozen record is not whole yet


def refuse_contradictions(config: Any, said: Iterable[str]) -> None:
    """Refuse what was `said` of a faithful config if it is not what was published, its default included.

    Args:
        config: as the user's words make it, but `faithful` itself.

    Raises:
        UsageError: as above.
    """
    for name, value in published(config).items():
        if name in said and getattr(config, name) != value:
            raise contradiction(name, getattr(config, name))


def published(config: Any) -> Mapping[str, Any]:
    """The table of a config or of its class; none is an empty one."""
    table: dict[str, Any] = dict(getattr(config, TABLE, {}))
    if not isinstance(config, type):
        for (name, value), differing in getattr(config, TABLE_WHERE, {}).items():
            table |= differing if getattr(config, name) == value else {}
    return table


def contradiction(name: str, value: object) -> UsageError:
    shown = str(value).lower() if isinstance(value, bool) else value
    return UsageError(
        f"faithful=true is the method as published, which has no {name}={shown}",
        f"leave out one of the two: faithful, {name}",
    )


def as_said(config: type[Any], values: Mapping[str, Any]) -> Any:
    """A config of what a user said, each value of its field's type.

    Raises:
        UsageError: a value is not allowed, or contradicts `faithful`.
    """
    if values.get("faithful"):
        plain = {name: value for name, value in values.items() if name != "faithful"}
        refuse_contradictions(dataclasses.replace(config(), **plain), values)
    return dataclasses.replace(config(), **values)
