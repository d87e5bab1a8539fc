"""The host: takes apart what the gateway sends, and knows the scripts."""

import itertools
import os
import platform
import sys
import threading
from time import monotonic, sleep
from types import ModuleType
from typing import Any, Dict, List, Optional

from .calls import Calls
from .channel import Channel
from .frames import FrameReader, ProtocolError
from .guard import end_everything
from .interrupt import interrupt
from .output import Output, ScriptStream, capture_output
from .pool import Pool, Worker
from .reading import Reading
from .script import Script
from .stacks import where

PROTOCOL = 1

#: How long the threads of a script that is ended have to leave it.
_LEAVING = 1.0
#: Threads that could not be ended stay behind; with more of them the process is better replaced.
_STUCK_THREADS = 16


class Host:
    def __init__(self, descriptor: int, own_folder: str, scripts_folder: str) -> None:
        self.channel = Channel(descriptor)
        self.pool = Pool()
        self.channel.lost = self._connection_lost
        self.calls = Calls(self)
        self.output = Output(self)
        self.reading = Reading(self.channel, self.pool, self._deliver)
        #: This is a process that a script forked.
        self.forked = False
        self._frames = FrameReader()
        self._own_folder = os.path.join(own_folder, "")
        self._scripts_folder = scripts_folder
        self._scripts: Dict[int, Script] = {}
        self._by_globals: Dict[int, Script] = {}
        self._streams: List[ScriptStream] = []

    def start(self) -> None:
        self._streams.extend(capture_output(self))
        self._tell_threads_apart()
        os.register_at_fork(after_in_child=self._after_fork)
        # Scripts see a main module with nothing in it, as in an interpreter that another program embeds.
        sys.modules["__main__"] = ModuleType("__main__")
        sys.argv = [""]
        self.channel.put({"t": "ready", "protocol": PROTOCOL, "host": f"python {platform.python_version()}", "where": True})
        self.channel.flush()
        self.reading.start()

    def log(self, level: str, text: str) -> None:
        """A log record of the script that runs in this thread."""
        worker = self.pool.current()
        script = self.current_script()
        if script is None or self.forked:
            os.write(2, (text + "\n").encode("utf-8", "replace"))
        else:
            self.output.log(script, level, text, worker.inside if worker is not None else None)

    def current_script(self) -> Optional[Script]:
        """Whose code this thread runs: a callback's script, else that which started the thread, else by what is on its stack."""
        worker = self.pool.current()
        if worker is not None and worker.script is not None:
            return worker.script
        script = getattr(threading._active.get(threading.get_ident()), "_nscp_script", None)  # type: ignore[attr-defined]
        if script is None:
            frame = sys._getframe(1)
            while frame is not None and script is None:
                script = self._by_globals.get(id(frame.f_globals))
                frame = frame.f_back
        return self._present(script)

    def extend_path(self, file: str) -> None:
        """What scripts can import: ``lib`` beside them as ever, their folder, and the folder of the one that is loaded."""
        folder = os.path.join(self._scripts_folder, "python")
        lib = os.path.join(folder, "lib")
        self.log("debug", f"Lib path: {lib}")
        for path in (lib, folder, os.path.dirname(file)):
            if path not in sys.path:
                sys.path.append(path)

    def know_globals(self, script: Script) -> None:
        self._by_globals[id(script.globals)] = script

    def is_own_file(self, file: str) -> bool:
        return file.startswith(self._own_folder)

    def leave_fork(self) -> None:
        """A forked child that comes back from its callback has nothing to do here."""
        os._exit(0)

    def _deliver(self, data: bytes) -> Optional[Script]:
        """Passes messages on. Gives back one of the scripts that have something to do now, its turn taken for it."""
        if not data:
            self._gateway_is_gone()
        scripts = self._scripts
        answered = self.calls.answered
        touched: List[Script] = []
        last: Optional[Script] = None
        try:
            for messages, received, offset in self._frames.push(data):
                for message in messages:
                    if message.__class__ is list:
                        if message[0] == "o":
                            answered(message[1], message[2], None, None)
                            continue
                        script = scripts.get(message[4])
                        if script is None:
                            continue
                        script.turn.queue.append(message)
                    else:
                        length = message.get("raw")
                        block = None if length is None else received[offset : offset + length]
                        offset += length or 0
                        script = self._receive(message, block)
                    if script is not None and script is not last:
                        last = script
                        touched.append(script)
        except (ProtocolError, ValueError, KeyError, IndexError) as error:
            end_everything(f"what came from the gateway was not understood, a script may have read of it: {error!r}")
        ready: Optional[Script] = None
        for script in touched:
            if script.turn.take():
                if ready is not None:
                    self.pool.run(ready.serve)
                ready = script
        return ready

    def _receive(self, message: Dict[str, Any], block: Optional[bytes]) -> Optional[Script]:
        kind = message["t"]
        if kind == "ok":
            self.calls.answered(message["id"], message.get("value"), block, None)
        elif kind == "failed":
            self.calls.answered(message["id"], None, None, str(message.get("error")))
        elif kind == "start":
            number = message["s"]
            self._scripts[number] = Script(self, number, message["name"], message.get("allOutput", False))
        elif kind == "end":
            self._end(message["s"])
        elif kind == "hello":
            pass
        else:
            script = self._scripts.get(message["s"])
            if script is None:
                return None
            if kind == "where":
                self._answer(script, message["id"], where(self, script, message["run"]))
            elif kind == "cancel":
                self._cancel(script, message["id"])
            else:
                script.turn.queue.append((message, block))
                return script
        return None

    def _answer(self, script: Script, request: int, value: Any) -> None:
        self.channel.put({"t": "ok", "id": request, "value": value, "s": script.number})
        self.channel.flush()

    def _cancel(self, script: Script, request: int) -> None:
        """A callback that nobody has begun is not begun any more."""
        queue = script.turn.queue
        for item in list(queue):
            if (item[1] if item.__class__ is list else item[0]["id"]) == request:
                try:
                    queue.remove(item)
                except ValueError:
                    # It was begun just now.
                    return
                self.channel.put({"t": "failed", "id": request, "error": "It was cancelled.", "s": script.number})
                self.channel.flush()
                return

    def _end(self, number: int) -> None:
        script = self._scripts.pop(number, None)
        if script is None:
            return
        script.ended = True
        script.turn.queue.clear()

        def leave(_worker: Worker) -> None:
            remaining = self._evacuate(script)
            self._by_globals.pop(id(script.globals), None)
            self.output.forget(script)
            for stream in self._streams:
                stream.forget(script)
            stuck = sum(1 for worker in list(self.pool.workers) if worker.script is not None and worker.script.ended)
            if stuck > _STUCK_THREADS:
                # The gateway waits for nothing else, and replaces the process.
                return
            reason = "it was ended" if remaining == 0 else f"it was ended, {remaining} of its threads could not be"
            self.channel.put({"t": "gone", "s": number, "reason": reason})
            self.channel.flush()

        self.pool.run(leave)

    def _evacuate(self, script: Script) -> int:
        """Gets the threads out of a script that was ended. Gives back how many did not leave."""
        deadline = monotonic() + _LEAVING
        for pause in itertools.chain((0.001, 0.005), itertools.repeat(0.025)):
            inside = [worker for worker in list(self.pool.workers) if worker.script is script]
            if not inside or monotonic() > deadline:
                return len(inside)
            script.wake_all()
            for worker in inside:
                interrupt(worker, script, self.is_own_file)
            sleep(pause)
        return 0

    def _connection_lost(self, error: OSError) -> None:
        self._gateway_is_gone("" if isinstance(error, ConnectionError) else f"the connection to the gateway was closed: {error}")

    def _gateway_is_gone(self, reason: str = "") -> None:
        # A process that a script forked has no part in this.
        if not self.forked:
            end_everything(reason)
        os._exit(0)

    def _present(self, script: Optional[Script]) -> Optional[Script]:
        """A thread that outlived its script works for the one that came after it."""
        if script is None or not script.ended:
            return script
        return next((other for other in self._scripts.values() if other.name == script.name), script)

    def _tell_threads_apart(self) -> None:
        host = self
        start = threading.Thread.start

        def start_for_script(thread: threading.Thread) -> None:
            thread._nscp_script = host.current_script()  # type: ignore[attr-defined]
            start(thread)

        threading.Thread.start = start_for_script  # type: ignore[method-assign]
        # One record in the log instead of one for each line that the interpreter would print.
        print_failure = threading.excepthook

        def thread_failed(args: Any) -> None:
            script = host.current_script()
            if script is None or host.forked or args.exc_value is None:
                print_failure(args)
            elif not isinstance(args.exc_value, SystemExit):
                host.log("error", f"Exception in {args.thread.name} of {script.name}: {script.trace(args.exc_value)}")

        threading.excepthook = thread_failed

    def _after_fork(self) -> None:
        self.forked = True
        self.channel.abandon()
