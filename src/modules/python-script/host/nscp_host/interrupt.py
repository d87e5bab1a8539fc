"""Ends what a thread does, if it runs Python code: a thread that waits in a library goes on waiting."""

import sys
from types import FrameType
from typing import Any, Callable, Optional

from .pool import ScriptEnded, Worker

#: Our functions that call those of scripts, and have nothing to tidy up afterwards.
_ENTRANCES = ("/callbacks.py", "/conversion.py")
_ENTRANCE_NAMES = ("_call", "_load")


def interrupt(worker: Worker, script: Any, is_own_file: Callable[[str], bool]) -> None:
    """Raises :class:`ScriptEnded` in the thread if it runs code of the script, or what that calls."""
    try:
        import ctypes
    except ImportError:
        # An interpreter without it can't; such threads are left behind.
        return
    frame = sys._current_frames().get(worker.ident)
    if worker.script is script and _is_in_script(frame, is_own_file):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(ScriptEnded))


def _is_in_script(frame: Optional[FrameType], is_own_file: Callable[[str], bool]) -> bool:
    """Our own code, what it calls, and the import of a module hold locks and what belongs to others, so they are let be."""
    if frame is None or frame.f_code.co_filename.startswith("<frozen importlib"):
        return False
    inner: Optional[FrameType] = None
    while frame is not None and not is_own_file(frame.f_code.co_filename):
        inner, frame = frame, frame.f_back
    if inner is None or frame is None:
        return False
    code = frame.f_code
    return code.co_filename.endswith(_ENTRANCES) or code.co_name in _ENTRANCE_NAMES
