"""The table of training methods: a name, and where its class stands.

Strings, so that listing the names costs no import of torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from augnet_cli.errors import UsageError

if TYPE_CHECKING:
    from augnet_cli.training.methods.method import Method

METHODS = {
    "copies": "augnet_cli.training.methods.copies:Copies",
    "augnet": "augnet_cli.training.methods.augnet:AugNet",
}


def method_class(name: str) -> type[Method]:
    """The class of the method `name`.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in METHODS:
        raise UsageError(f"there is no training method named {name}", f"choose one of {', '.join(METHODS)}")
    module, _, attribute = METHODS[name].partition(":")
    found: type[Method] = getattr(importlib.import_module(module), attribute)
    return found
