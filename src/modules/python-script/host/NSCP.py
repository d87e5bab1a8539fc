"""What Python scripts know of the gateway.

``Registry``, ``Core`` and ``Settings`` are had with ``.get(plugin_id)``, the id that ``init`` is called with::

    from NSCP import Registry, log, status

    def check(args):
        return (status.OK, "This is the message", "'count'=123;200;600")

    def init(plugin_id, plugin_alias, script_alias):
        Registry.get(plugin_id).simple_function("check_py_test", check, "This is a sample python function")

Functions that are called ``simple_…`` take and return plain values; those without take and return serialized messages,
whose classes are in ``plugin_pb2``. Texts are ``str``, or ``bytes`` in UTF-8; messages are anything with the buffer
protocol. What is of another type raises a TypeError, a number that does not fit an OverflowError, and what the gateway
refuses a RuntimeError.
"""

from types import FunctionType as _FunctionType
from typing import Any as _Any

from nscp_host.bound import Bound as _Bound
from nscp_host.core import Core
from nscp_host.functions import log, log_debug, log_error, sleep
from nscp_host.registry import Registry
from nscp_host.settings import Settings
from nscp_host.status import status

__all__ = [
    "Core",
    "Registry",
    "Settings",
    "log",
    "log_deb",
    "log_debug",
    "log_err",
    "log_error",
    "sleep",
    "status",
]

#: The names of ``log_error`` and ``log_debug`` in older scripts.
log_err = log_error
log_deb = log_debug


def _adopt(*members: _Any) -> None:
    """Help shall name what scripts know, and not where it is written."""
    for member in members:
        parts = vars(member).values() if isinstance(member, type) else ()
        for part in (member, *(getattr(part, "__func__", part) for part in parts)):
            if isinstance(part, (_FunctionType, type)):
                part.__module__ = __name__


_adopt(_Bound, Core, Registry, Settings, status, log, log_debug, log_error, sleep)
