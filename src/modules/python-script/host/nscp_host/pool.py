"""Threads that run callbacks. There are as many as are needed at the same time; those that have nothing to do are kept."""

import threading
from _thread import allocate_lock
from traceback import format_exc
from typing import Any, Callable, List, Optional

from .guard import end_everything

#: A deep recursion may have needed hundreds of threads; so many are kept for the next.
_KEPT = 64

#: As it is before threads are told apart by the script that starts them.
_start_thread = threading.Thread.start


class Worker:
    """A thread of the pool and what it is doing."""

    __slots__ = ("gate", "job", "ident", "script", "request", "inside", "parked")

    def __init__(self) -> None:
        #: Held by the thread; whoever releases it wakes the thread up.
        self.gate = allocate_lock()
        self.gate.acquire()
        self.job: Optional[Callable[["Worker"], None]] = None
        self.ident = 0
        #: The script whose code it runs.
        self.script: Any = None
        #: Id of the gateway's request that it works on.
        self.request: Optional[int] = None
        #: The same if that is a callback: calls made meanwhile belong to it.
        self.inside: Optional[int] = None
        #: Whether it is among those that have nothing to do.
        self.parked = False


class Pool:
    def __init__(self) -> None:
        self._idle: List[Worker] = []
        self._local = threading.local()
        #: Every worker that exists, in no order.
        self.workers: "set[Worker]" = set()

    def current(self) -> Optional[Worker]:
        """The worker of the calling thread, if it is one of ours."""
        return getattr(self._local, "worker", None)

    def run(self, job: Callable[[Worker], None]) -> None:
        """Runs the job in another thread, at once."""
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = Worker()
            worker.job = job
            self.workers.add(worker)
            _start_thread(threading.Thread(target=self._work, args=(worker,), name="nscp", daemon=True))
            return
        worker.parked = False
        worker.job = job
        worker.gate.release()

    def _work(self, worker: Worker) -> None:
        worker.ident = threading.get_ident()
        self._local.worker = worker
        while True:
            try:
                job, worker.job = worker.job, None
                if job is not None:
                    job(worker)
                    job = None
                if not worker.parked:
                    if len(self._idle) >= _KEPT:
                        self.workers.discard(worker)
                        return
                    worker.parked = True
                    self._idle.append(worker)
                worker.gate.acquire()
            except ScriptEnded:
                # It was meant for a callback that had just returned.
                continue
            except BaseException as error:
                # Nobody would do what this thread did. Scripts can replace what everybody relies on.
                end_everything(f"a thread of the host failed with {type(error).__name__}: {error}", format_exc())


class ScriptEnded(SystemExit):
    """Raised in a script's threads when the script is ended. Scripts let it pass, and so does ``threading``."""
