"""Whose turn it is among the callbacks of one script.

A script runs one callback at a time, as it was written for. The one whose turn it is gives it up while it waits for the
gateway or sleeps, and comes back to the end of those who wait to go on. Those come before new callbacks.
"""

from _thread import allocate_lock
from collections import deque
from typing import Any, Callable, Deque, Optional

from .pool import Pool, Worker


class Turn:
    __slots__ = ("queue", "_returning", "_taken", "_mutex", "_pool", "_serve")

    def __init__(self, pool: Pool, serve: Callable[[Worker], None]) -> None:
        """``serve`` runs what is in the queue for as long as :meth:`next` gives something; it begins with the turn taken."""
        #: Callbacks and other work that nobody has begun.
        self.queue: Deque[Any] = deque()
        self._returning: Deque[Any] = deque()
        self._taken = False
        self._mutex = allocate_lock()
        self._pool = pool
        self._serve = serve

    def take(self) -> bool:
        """Takes the turn for the queue, if it is free."""
        with self._mutex:
            if self._taken:
                return False
            self._taken = True
            return True

    def start(self) -> None:
        """Has another thread serve the queue, if nobody does."""
        if self.take():
            self._pool.run(self._serve)

    def next(self) -> Optional[Any]:
        """The next work for the one whose turn it is; None means that the turn is over."""
        if not self._returning:
            try:
                return self.queue.popleft()
            except IndexError:
                pass
        with self._mutex:
            if self._returning:
                self._returning.popleft().release()
                return None
            if self.queue:
                return self.queue.popleft()
            self._taken = False
            return None

    def leave(self) -> None:
        """Gives the turn up in the middle of a callback."""
        with self._mutex:
            if self._returning:
                self._returning.popleft().release()
                return
            if not self.queue:
                self._taken = False
                return
        self._pool.run(self._serve)

    def come_back(self) -> Optional[Any]:
        """Takes the turn again. If somebody else has it: a lock that is released when it is ours."""
        with self._mutex:
            if not self._taken:
                self._taken = True
                return None
            gate = allocate_lock()
            gate.acquire()
            self._returning.append(gate)
            return gate

    def disband(self) -> None:
        """Wakes up all who wait to come back: nobody's turn comes any more."""
        with self._mutex:
            while self._returning:
                self._returning.popleft().release()
