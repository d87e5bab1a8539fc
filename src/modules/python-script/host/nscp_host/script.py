"""One script: its globals, its functions, its turn."""

import builtins
import io
import sys
import traceback
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from .callbacks import callers, simple_query
from .pool import ScriptEnded, Worker
from .turn import Turn

#: Answers leave when there are so many, even if more callbacks of their burst are to come.
_BURST = 25


class Script:
    def __init__(self, host: Any, number: int, name: str, all_output: bool) -> None:
        """``number`` is what messages call it; a script that is started again has another one."""
        self.number = number
        self.name = name
        self.all_output = all_output
        self.file = ""
        #: Id of the module instance; None before ``init``.
        self.plugin_id: Optional[int] = None
        self.globals: Dict[str, Any] = {}
        self.turn = Turn(host.pool, self.serve)
        #: It was ended: what its threads still do is for nobody.
        self.ended = False
        #: Locks that its threads wait for, to wake them up when it ends.
        self.waiting: Set[Any] = set()
        self._host = host
        self._handlers: Dict[int, Tuple[str, Callable[..., Any]]] = {}
        self._numbers: Dict[Tuple[str, str], int] = {}
        self._lifecycle: Dict[str, Callable[[Dict[str, Any]], None]] = {
            "load": self._load,
            "init": self._init,
            "main": lambda message: self._call("__main__", message["args"]),
            "shutdown": lambda _message: self._call("shutdown"),
            "ping": lambda _message: None,
        }

    def serve(self, worker: Worker) -> None:
        """Runs what waits, for as long as it is this thread's turn."""
        host = self._host
        reading = host.reading
        channel = host.channel
        outbox = channel.outbox
        handlers = self._handlers
        number = self.number
        next_item = self.turn.next
        queue = self.turn.queue
        worker.script = self
        try:
            while not self.ended:
                item = next_item()
                if item is None:
                    break
                if item.__class__ is list:
                    # A callback in short form: ["r", id, handler, arguments, script]
                    request = worker.request = worker.inside = item[1]
                    try:
                        kind, function = handlers[item[2]]
                        if kind == "query":
                            arguments = item[3]
                            answer = ["o", request, simple_query(function, arguments[0], arguments[1]), number]
                        else:
                            answer = ["o", request, callers[kind](function, item[3], b"", self.debug)[0], number]
                    except BaseException as error:
                        # Of a script that was ended nobody wants to know, and to find the words takes locks.
                        answer = None if self.ended else self._failure(request, error)
                    worker.request = worker.inside = None
                    if host.forked:
                        host.leave_fork()
                    if self.ended:
                        break
                    outbox.append(answer)
                else:
                    self._work(worker, *item)
                if not queue or len(outbox) >= _BURST:
                    channel.flush()
                elif not reading.beating:
                    reading.beat()
        finally:
            worker.script = worker.request = worker.inside = None

    def register(self, kind: str, name: str, function: Callable[..., Any], options: Optional[Dict[str, Any]] = None) -> None:
        """Makes the function answer for the name. The same kind and name again replaces it; metrics have no names."""
        if self._host.forked:
            raise RuntimeError("A process that a script forked can't register anything.")
        if self.ended:
            raise ScriptEnded()
        key = (kind, name.lower())
        handler = self._numbers.get(key) if name != "" else None
        if handler is None:
            handler = len(self._handlers) + 1
            self._numbers[key] = handler
        self._handlers[handler] = (kind, function)
        message: Dict[str, Any] = {"t": "register", "s": self.number, "kind": kind, "name": name, "h": handler}
        if options is not None:
            message["options"] = options
        self._host.channel.put(message)

    def wake_all(self) -> None:
        """Wakes up all of its threads that wait here, for they have nothing to wait for."""
        for gate in list(self.waiting):
            if gate.locked():
                try:
                    gate.release()
                except RuntimeError:
                    # Its answer came at the same moment.
                    pass
        self.turn.disband()

    def debug(self, text: str) -> None:
        self._host.log("debug", text)

    def _work(self, worker: Worker, message: Dict[str, Any], block: Optional[bytes]) -> None:
        """Everything but callbacks in short form."""
        request = message["id"]
        worker.request = request
        response: Optional[bytes] = None
        try:
            if message["t"] == "run":
                worker.inside = request
                kind, function = self._handlers[message["h"]]
                value, response = callers[kind](function, message["args"], block or b"", self.debug)
            else:
                value = self._lifecycle[message["t"]](message)
            answer: Dict[str, Any] = {"t": "ok", "id": request, "value": value, "s": self.number}
        except BaseException as error:
            answer = {} if self.ended else self._failure(request, error)
        worker.request = worker.inside = None
        if self._host.forked:
            self._host.leave_fork()
        if message["t"] == "shutdown":
            self._host.output.flush_lines(self)
        if not self.ended:
            self._host.channel.put(answer, response)

    def _load(self, message: Dict[str, Any]) -> None:
        self.file = message["file"]
        self._host.log("debug", f"Loading python script: {self.file}")
        self._host.extend_path(self.file)
        # Every script has globals of its own, which look like those of a main module.
        self.globals = {
            "__name__": "__main__",
            "__doc__": None,
            "__package__": None,
            "__loader__": None,
            "__spec__": None,
            "__builtins__": builtins,
            "sys": sys,
            "StringIO": io.StringIO,
            "__file__": self.file,
        }
        self._host.know_globals(self)
        with open(self.file, "rb") as source:
            code = compile(source.read(), self.file, "exec", dont_inherit=True)
        exec(code, self.globals)

    def _init(self, message: Dict[str, Any]) -> None:
        self.plugin_id = message["pluginId"]
        self._call("init", self.plugin_id, message["pluginAlias"], message["scriptAlias"])

    def _call(self, name: str, *args: Any) -> None:
        function = self.globals.get(name)
        if function:
            function(*args)

    def _failure(self, request: int, error: BaseException) -> Dict[str, Any]:
        return {"t": "failed", "id": request, "error": _brief(error), "stack": self.trace(error), "s": self.number}

    def trace(self, error: BaseException) -> str:
        """The traceback without the frames of this package: the first are the same for everybody, the last say no more
        than the error. Below a script's own they stay if something of the script was called from them."""
        trace = error.__traceback__
        while trace is not None and self._host.is_own_file(trace.tb_frame.f_code.co_filename):
            trace = trace.tb_next
        summary = traceback.TracebackException(type(error), error, trace)
        while summary.stack and self._host.is_own_file(summary.stack[-1].filename):
            summary.stack.pop()
        return "".join(summary.format()).strip()


def _brief(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        # It has a line for the source and one that points into it; by itself it names the file and the line.
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception_only(type(error), error)).strip()
