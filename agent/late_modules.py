# SPDX-License-Identifier: Apache-2.0
"""Modules that a library imports at its top and hardly ever uses: loaded when something of them is asked for."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

LATE = ("urllib.request",)
"""paho-mqtt asks urllib.request for the proxies of websockets; it brings http and e-mail, 2 MB of memory."""


class _LateModule(ModuleType):
    """Stands in sys.modules until an attribute is wanted, then makes room for the module itself."""

    def __getattr__(self, name: str) -> object:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def delay() -> None:
    """Put off what is in LATE, unless it is loaded already. Before anything else is imported; any thread."""
    for name in LATE:
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None:
            continue
        module = _LateModule(name)
        module.__spec__ = spec
        module.__file__ = spec.origin
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
