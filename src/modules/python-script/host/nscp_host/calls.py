"""What scripts ask of the gateway, and how they wait for it."""

import itertools
from _thread import allocate_lock
from time import sleep
from typing import Any, Dict, List, Optional, Tuple

from .pool import ScriptEnded, Worker
from .script import Script


class Pending:
    """A question that the gateway has not answered."""

    __slots__ = ("gate", "done", "value", "block", "error")

    def __init__(self) -> None:
        self.gate = allocate_lock()
        self.gate.acquire()
        self.done = False
        self.value: Any = None
        self.block: Optional[bytes] = None
        self.error: Optional[str] = None


class Calls:
    def __init__(self, host: Any) -> None:
        self._host = host
        self._pending: Dict[int, Pending] = {}
        self._ids = itertools.count(1)
        host.channel.refused = lambda number, fault: self.answered(number, None, None, fault)

    def ask(
        self, op: str, args: List[Any], block: Optional[bytes] = None, keep_turn: bool = False
    ) -> Tuple[Any, Optional[bytes]]:
        """Asks and waits. Meanwhile other callbacks of the script may run, unless the turn is kept.

        Raises RuntimeError with what the gateway says when it fails.
        """
        script, worker = self._asker()
        pending = Pending()
        number = next(self._ids)
        message: Dict[str, Any] = {"t": "call", "id": number, "op": op, "args": args, "s": script.number}
        if worker is not None and worker.inside is not None:
            message["in"] = worker.inside
        self._pending[number] = pending
        script.waiting.add(pending.gate)
        try:
            self._host.channel.put(message, block)
            if worker is None or keep_turn:
                self._host.channel.flush()
                self._wait(script, worker, pending)
            else:
                script.turn.leave()
                self._host.channel.flush()
                self._wait(script, worker, pending)
                self._return(script, worker)
        finally:
            script.waiting.discard(pending.gate)
            self._pending.pop(number, None)
        if not pending.done or (script.ended and worker is not None):
            raise ScriptEnded()
        if pending.error is not None:
            raise RuntimeError(pending.error)
        return pending.value, pending.block

    def answered(self, number: int, value: Any, block: Optional[bytes], error: Optional[str]) -> None:
        pending = self._pending.get(number)
        if pending is None:
            return
        pending.value = value
        pending.block = block
        pending.error = error
        pending.done = True
        pending.gate.release()

    def sleep(self, milliseconds: int) -> None:
        """Waits; meanwhile other callbacks of the script may run."""
        worker = self._host.pool.current()
        script = worker.script if worker is not None else None
        if worker is None or script is None or self._host.forked:
            sleep(milliseconds / 1000)
            return
        gate = allocate_lock()
        gate.acquire()
        script.waiting.add(gate)
        try:
            self._host.reading.hand_over(worker)
            script.turn.leave()
            self._host.channel.flush()
            gate.acquire(timeout=milliseconds / 1000)
            self._return(script, worker)
        finally:
            script.waiting.discard(gate)

    def _asker(self) -> Tuple[Script, Optional[Worker]]:
        if self._host.forked:
            raise RuntimeError("A process that a script forked can't call the gateway.")
        worker = self._host.pool.current()
        if worker is not None and worker.script is not None:
            if worker.script.ended:
                raise ScriptEnded()
            return worker.script, worker
        script = self._host.current_script()
        if script is None or script.ended:
            raise RuntimeError("The script that calls the gateway was ended.")
        return script, None

    def _wait(self, script: Script, worker: Optional[Worker], pending: Pending) -> None:
        if worker is not None and self._host.reading.is_reader(worker):
            self._host.reading.read_until(worker, lambda: pending.done or script.ended)
        if not pending.done and not script.ended:
            pending.gate.acquire()

    def _return(self, script: Script, worker: Worker) -> None:
        if script.ended:
            raise ScriptEnded()
        gate = script.turn.come_back()
        if gate is None:
            return
        self._host.reading.hand_over(worker)
        gate.acquire()
        if script.ended:
            raise ScriptEnded()
