"""The table of training methods: a name, and where its class stands.

Strings, so that listing the names costs no import of torch.  Other packages add theirs by the entry-point
group `augnet.methods`: a name, and `module:Class` of a subclass of `method.Method`.
"""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown

if TYPE_CHECKING:
    from augnet_cli.training.methods.method import Method

METHODS = {
    "copies": "augnet_cli.training.methods.copies:Copies",
    "augnet": "augnet_cli.training.methods.augnet:AugNet",
    "simclr": "augnet_cli.training.methods.simclr:Simclr",
    "instance": "augnet_cli.training.methods.instance:Instance",
    "rotnet": "augnet_cli.training.methods.rotnet:Rotnet",
    "decouple": "augnet_cli.training.methods.decouple:Decouple",
    "scan": "augnet_cli.training.methods.scan:Scan",
    "udml-ss": "augnet_cli.training.methods.udml_ss:UdmlSs",
    "cbswr": "augnet_cli.training.methods.cbswr:Cbswr",
}
GROUP = "augnet.methods"


def method_names() -> tuple[str, ...]:
    """All names that `method_class` knows; those of other packages come last."""
    return (*METHODS, *sorted(_plugged_in()))


def method_class(name: str) -> type[Method]:
    """The class of the method `name`.

    Raises:
        UsageError: there is none of that name, or a package offers what is no method.
    """
    if name in METHODS:
        module, _, attribute = METHODS[name].partition(":")
        found: type[Method] = getattr(importlib.import_module(module), attribute)
        return found
    plugged = _plugged_in()
    if name not in plugged:
        raise UsageError(
            f"there is no training method named {shown(name)}", f"choose one of {', '.join(method_names())}"
        )
    return _loaded(plugged[name])


def _plugged_in() -> dict[str, EntryPoint]:
    """The methods of other packages; augnet's own names can't be taken."""
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in METHODS}


def _loaded(entry: EntryPoint) -> type[Method]:
    from augnet_cli.training.methods.method import Method

    try:
        found = entry.load()
    except Exception as error:  # a package of somebody else may fail in any way
        raise UsageError(
            f"the method {shown(entry.name)} can't be loaded: {shown(str(error))}",
            f"repair or remove the package that offers {shown(entry.value)}",
        ) from error
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise UsageError(
            f"the method {shown(entry.name)} is no training method",
            f"{shown(entry.value)} must be a subclass of augnet_cli.training.methods.method.Method",
        )
    return found
