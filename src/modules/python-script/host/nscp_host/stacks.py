"""Where a callback is right now, in a few words for whoever waits for it."""

import os
import sys
import sysconfig
from types import FrameType
from typing import Any, Iterator, Optional

from .script import Script

_libraries = tuple(
    path + os.sep for path in {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} if path
)


def where(host: Any, script: Script, request: int) -> Any:
    """Such as ``check_disk.py:12 in check``; None when the request is not there.

    For a request that waits for its turn: a dict with the place of the one whose turn it is.
    """
    stacks = sys._current_frames()
    busy = [worker for worker in list(host.pool.workers) if worker.script is script and worker.request is not None]
    for worker in busy:
        if worker.request == request:
            return _place(host, script, stacks.get(worker.ident))
    if not any(_id_of(item) == request for item in list(script.turn.queue)):
        return None
    first = next((_place(host, script, stacks.get(worker.ident)) for worker in busy), None)
    return {"turn": first}


def _id_of(item: Any) -> Any:
    return item[1] if item.__class__ is list else item[0]["id"]


def _place(host: Any, script: Script, frame: Optional[FrameType]) -> Optional[str]:
    """The innermost line of the script's own file, and what it calls if that is somewhere else."""
    frames = [one for one in _outwards(frame) if not host.is_own_file(one.f_code.co_filename)]
    if not frames:
        return None
    own = next((one for one in frames if one.f_code.co_filename == script.file), None)
    if own is None:
        own = next((one for one in frames if not one.f_code.co_filename.startswith(_libraries)), frames[0])
    return _line(own) if own is frames[0] else f"{_line(own)} ({_line(frames[0])})"


def _outwards(frame: Optional[FrameType]) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _line(frame: FrameType) -> str:
    code = frame.f_code
    place = f"{os.path.basename(code.co_filename)}:{frame.f_lineno}"
    return place if code.co_name == "<module>" else f"{place} in {code.co_name}"
