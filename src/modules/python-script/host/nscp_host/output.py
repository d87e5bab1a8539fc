"""What scripts print: line by line to the gateway, under the name of the script."""

import io
import sys
from _thread import allocate_lock
from os import write
from time import monotonic, sleep
from typing import Any, Callable, Dict, Optional, Tuple

from .conversion import message_text
from .script import Script

#: A line that does not end is cut here.
_LONGEST_LINE = 8 * 1024
_LINES_PER_SECOND = 200
#: So much of what a script wrote to standard error can be read back by it.
_KEPT_ERRORS = 64 * 1024


class LineLimit:
    """At most 200 lines in a second; what is more is counted, and told when the second is over."""

    def __init__(self, later: Callable[[Callable[[], None]], None], tell: Callable[[int], None]) -> None:
        self._later = later
        self._tell = tell
        self._second = 0
        self._used = 0
        self._dropped = 0

    def admit(self) -> bool:
        second = int(monotonic())
        if second != self._second:
            self._second = second
            self._used = 0
        if self._used < _LINES_PER_SECOND:
            self._used += 1
            return True
        if self._dropped == 0:
            self._later(self._report)
        self._dropped += 1
        return False

    def _report(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._tell(dropped)


class Output:
    """Where log records and printed lines leave, at once: what a script says before it hangs tells why."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self._rests: Dict[Tuple[int, str], str] = {}
        self._limits: Dict[int, LineLimit] = {}
        self._mutex = allocate_lock()

    def log(self, script: Script, level: str, text: str, inside: Optional[int]) -> None:
        if self._admits(script):
            message: Dict[str, Any] = {"t": "log", "level": level, "text": text, "s": script.number}
            if inside is not None:
                message["in"] = inside
            self._send(message)

    def write(self, script: Script, stream: str, text: str) -> None:
        key = (script.number, stream)
        with self._mutex:
            *lines, rest = (self._rests.get(key, "") + text).split("\n")
            while len(rest) > _LONGEST_LINE:
                lines.append(rest[:_LONGEST_LINE])
                rest = rest[_LONGEST_LINE:]
            self._rests[key] = rest
        for line in lines:
            self._line(script, stream, line)

    def flush_lines(self, script: Script) -> None:
        """Sends what was printed without an end of line."""
        for stream in ("stdout", "stderr"):
            with self._mutex:
                rest = self._rests.pop((script.number, stream), "")
            if rest:
                self._line(script, stream, rest)

    def forget(self, script: Script) -> None:
        self.flush_lines(script)
        self._limits.pop(script.number, None)

    def _line(self, script: Script, stream: str, line: str) -> None:
        for start in range(0, len(line) or 1, _LONGEST_LINE):
            if self._admits(script):
                part = line[start : start + _LONGEST_LINE].rstrip("\r")
                self._send({"t": "output", "stream": stream, "text": part, "s": script.number})

    def _admits(self, script: Script) -> bool:
        if script.all_output:
            return True
        limit = self._limits.get(script.number)
        if limit is None:
            limit = self._limits[script.number] = LineLimit(
                self._later, lambda dropped: self._send(_left_out(script, dropped))
            )
        return limit.admit()

    def _later(self, report: Callable[[], None]) -> None:
        def wait(_worker: Any) -> None:
            sleep(1)
            report()

        self._host.pool.run(wait)

    def _send(self, message: Dict[str, Any]) -> None:
        self._host.channel.put(message)
        self._host.channel.flush()


def _left_out(script: Script, dropped: int) -> Dict[str, Any]:
    return {"t": "log", "level": "error", "text": f"{dropped} lines of output were left out", "s": script.number}


class ScriptStream(io.TextIOBase):
    """``sys.stdout`` and ``sys.stderr``. What no script wrote goes where it would have gone."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, host: Any, name: str, descriptor: int) -> None:
        self._host = host
        self._name = name
        self._descriptor = descriptor
        self._kept: Dict[int, str] = {}
        self.buffer = _Bytes(self)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() takes a str, not {type(text).__name__}")
        script = None if self._host.forked else self._host.current_script()
        if script is None:
            write(self._descriptor, text.encode("utf-8", "replace"))
            return len(text)
        if self._name == "stderr":
            self._kept[script.number] = (self._kept.get(script.number, "") + text)[-_KEPT_ERRORS:]
        self._host.output.write(script, self._name, message_text(text))
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def getvalue(self) -> str:
        """What the script wrote lately: scripts were given an ``io.StringIO`` here and may look into it."""
        script = self._host.current_script()
        return "" if script is None else self._kept.get(script.number, "")

    def truncate(self, size: Optional[int] = None) -> int:
        script = self._host.current_script()
        if script is not None:
            self._kept[script.number] = self._kept.get(script.number, "")[: size or 0]
        return size or 0

    def seek(self, position: int, whence: int = 0) -> int:
        return position

    def forget(self, script: Script) -> None:
        self._kept.pop(script.number, None)


class _Bytes(io.RawIOBase):
    """The stream for bytes below a stream for text."""

    def __init__(self, stream: ScriptStream) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()


def capture_output(host: Any) -> Tuple[ScriptStream, ScriptStream]:
    sys.stdout = ScriptStream(host, "stdout", 1)
    sys.stderr = ScriptStream(host, "stderr", 2)
    return sys.stdout, sys.stderr
