"""Ends what a thread does, if it runs Python code: a thread that waits in a library goes on waiting."""

import sys
from typing import Any, Callable

from .pool import ScriptEnded, Worker


def interrupt(worker: Worker, script: Any, is_own_file: Callable[[str], bool]) -> None:
    """Raises :class:`ScriptEnded` in the thread if it is in the script, unless it is in our own code, which would not expect it."""
    try:
        import ctypes
    except ImportError:
        # An interpreter without it can't; such threads are left behind.
        return
    frame = sys._current_frames().get(worker.ident)
    if frame is not None and worker.script is script and not is_own_file(frame.f_code.co_filename):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(ScriptEnded))
