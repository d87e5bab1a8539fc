"""Who reads what the gateway sends.

One thread at a time reads, and runs the callbacks that it read itself: that way a burst of quick checks needs no change of
threads. When one of them takes long, or waits, another thread reads on; a third one, the pulse, looks after that every few
milliseconds while callbacks run, and sends answers that have waited for the rest of their burst.
"""

from _thread import allocate_lock
from time import monotonic, sleep
from typing import Any, Callable, Optional

from .channel import Channel
from .pool import Pool, ScriptEnded, Worker

#: How long the pulse sleeps.
_PULSE = 0.002
#: A reader that has not read for so long is replaced.
_OVERDUE = 0.004
#: The pulse stops when nothing happened for so many rounds.
_QUIET_ROUNDS = 25


class Reading:
    def __init__(self, channel: Channel, pool: Pool, deliver: Callable[[bytes], Any]) -> None:
        """``deliver`` takes what was read apart and gives back a script that has something to do and whose turn is taken."""
        self._channel = channel
        self._pool = pool
        self._deliver = deliver
        self._mutex = allocate_lock()
        self._reader: Optional[Worker] = None
        #: Since when the reader has been doing something else; 0 while it reads.
        self._away_since = 0.0
        #: Whether the pulse is awake.
        self.beating = False
        self._beat = allocate_lock()
        self._beat.acquire()

    def start(self) -> None:
        self._pool.run(self._pulse)
        self._pool.run(self.read)

    def read(self, worker: Worker) -> None:
        """Reads until another thread has taken over."""
        with self._mutex:
            self._reader = worker
            self._away_since = 0.0
        while True:
            try:
                data = self._channel.receive()
                self._away_since = monotonic()
                script = self._deliver(data)
                if script is not None:
                    self.beat()
                    script.serve(worker)
            except ScriptEnded:
                # It was meant for a callback that had just returned; nobody else would read.
                pass
            with self._mutex:
                if self._reader is not worker:
                    return
                self._away_since = 0.0

    def is_reader(self, worker: Worker) -> bool:
        return self._reader is worker

    def read_until(self, worker: Worker, arrived: Callable[[], bool]) -> None:
        """Reads on in the middle of a callback that waits for an answer; what else comes is for other threads."""
        while not arrived():
            with self._mutex:
                if self._reader is not worker:
                    return
                self._away_since = 0.0
            data = self._channel.receive()
            self._away_since = monotonic()
            script = self._deliver(data)
            if script is not None:
                self._pool.run(script.serve)

    def hand_over(self, worker: Worker) -> None:
        """Has another thread read if this one does: it is going to wait."""
        with self._mutex:
            if self._reader is not worker:
                return
            self._reader = None
        self._pool.run(self.read)

    def beat(self) -> None:
        """To be called when callbacks are about to run, or answers stay in the outbox."""
        if not self.beating:
            self.beating = True
            self._beat.release()

    def _pulse(self, _worker: Worker) -> None:
        while True:
            self._beat.acquire()
            quiet = 0
            while quiet < _QUIET_ROUNDS:
                sleep(_PULSE)
                if self._channel.outbox:
                    self._channel.flush()
                    quiet = 0
                away = self._away_since
                if away == 0.0:
                    quiet += 1
                    continue
                quiet = 0
                if monotonic() - away > _OVERDUE:
                    self._replace()
            self.beating = False
            # What came between the last round and this line has seen a pulse that was still beating.
            if self._away_since != 0.0 or self._channel.outbox:
                self.beat()

    def _replace(self) -> None:
        with self._mutex:
            if self._reader is None or self._away_since == 0.0:
                return
            self._reader = None
            self._away_since = 0.0
        self._pool.run(self.read)
