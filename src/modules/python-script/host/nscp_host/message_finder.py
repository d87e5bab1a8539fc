"""Finds plugin_pb2 and its siblings, also where a script means the copies that an NSClient++ installation has in lib.

A copy can't live beside ours: it imports its siblings by their plain names and gets ours, and then misses what they would
have put into protobuf's default pool.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Optional

#: The modules, with what is in a copy of them and hardly in anything else: the name of the messages' package.
_PACKAGES = {
    "common_pb2": b"PB.Common",
    "plugin_pb2": b"PB.Commands",
    "registry_pb2": b"PB.Registry",
    "settings_pb2": b"PB.Settings",
    "metrics_pb2": b"PB.Metrics",
    "log_pb2": b"PB.Log",
    "storage_pb2": b"PB.Storage",
}


class _Stand:
    """Puts the module of the plain name into the place of its copy."""

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        sys.modules[name] = import_module(name.rpartition(".")[2])


class _MessageFinder:
    def __init__(self, own_folder: str) -> None:
        self._own_folder = own_folder

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Optional[ModuleSpec]:
        name = fullname.rpartition(".")[2]
        if name not in _PACKAGES:
            return None
        if name == fullname:
            return PathFinder.find_spec(name, [self._own_folder])
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None or not _is_copy(found.origin, _PACKAGES[name]):
            return None
        return ModuleSpec(fullname, _Stand(), origin=found.origin)


def _is_copy(file: str, package: bytes) -> bool:
    with open(file, "rb") as content:
        return package in content.read()


def find_messages_in(own_folder: str) -> None:
    """From now on imports find the modules in this folder, wherever scripts put their own in the search path."""
    sys.meta_path.insert(0, _MessageFinder(own_folder))
