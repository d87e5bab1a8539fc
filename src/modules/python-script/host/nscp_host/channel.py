"""The connection to the gateway: what is sent waits in one queue and leaves in as few system calls as possible."""

import os
import socket
from _thread import allocate_lock
from collections import deque
from typing import Any, Callable, Deque, List, Optional

from .frames import MAX_MESSAGE, encode_frame

#: So many messages fit into one frame; blocks of this size together close it too.
_FRAME_MESSAGES = 500
_FRAME_BYTES = 1024 * 1024

#: Larger buffers come from the system anew each time.
_RECEIVED = 64 * 1024


class Channel:
    """Threads put messages in; whoever flushes sends those of all."""

    def __init__(self, descriptor: int) -> None:
        # What a script starts must not hold the connection.
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._sending = allocate_lock()
        #: Messages, or pairs of a message and its block.
        self.outbox: Deque[Any] = deque()
        #: Is told of a call that can't be sent: its id and why.
        self.refused: Callable[[int, str], None] = lambda number, fault: None
        #: Is told when the connection is not there any more.
        self.lost: Callable[[OSError], None] = lambda error: None

    def put(self, message: Any, block: Optional[bytes] = None) -> None:
        """Queues a message; it leaves with the next flush."""
        if block is None:
            self.outbox.append(message)
            return
        message["raw"] = len(block)
        self.outbox.append((message, block))

    def flush(self) -> None:
        """Sends what is queued, unless another thread is doing so: that one sends it too."""
        while self.outbox and self._sending.acquire(False):
            try:
                self._send_queued()
            finally:
                self._sending.release()

    def receive(self) -> bytes:
        """Waits for bytes; none when the gateway is gone."""
        try:
            return self._socket.recv(_RECEIVED)
        except OSError as error:
            self.lost(error)
            return b""

    def abandon(self) -> None:
        """Closes this process's copy of the connection: it was forked and has no part in the conversation."""
        self.outbox.clear()
        os.close(self._socket.detach())

    def _send_queued(self) -> None:
        outbox = self.outbox
        messages: List[Any] = []
        blocks: List[bytes] = []
        size = 0
        while outbox and len(messages) < _FRAME_MESSAGES and size < _FRAME_BYTES:
            item = outbox.popleft()
            if item.__class__ is tuple:
                item, block = item
                blocks.append(block)
                size += len(block)
            messages.append(item)
        try:
            frame = encode_frame(messages, blocks)
            if len(frame) > MAX_MESSAGE:
                frame = self._frames_of_each(messages, blocks)
        except (TypeError, ValueError, RecursionError):
            frame = self._frames_of_each(messages, blocks)
        try:
            self._socket.sendall(frame)
        except OSError as error:
            outbox.clear()
            self.lost(error)

    def _frames_of_each(self, messages: List[Any], blocks: List[bytes]) -> bytes:
        """One frame per message, where one of them can't be sent: that one becomes a failure, the others are as they were."""
        frames = []
        remaining = iter(blocks)
        for message in messages:
            own = [next(remaining)] if message.__class__ is dict and "raw" in message else []
            try:
                frame = encode_frame([message], own)
                fault = None if len(frame) <= MAX_MESSAGE else f"It is {len(frame)} bytes long, the limit is {MAX_MESSAGE}."
            except (TypeError, ValueError, RecursionError) as error:
                frame, fault = b"", str(error)
            if fault is None:
                frames.append(frame)
            elif message.__class__ is dict and message["t"] == "call":
                self.refused(message["id"], f"The call can't be sent: {fault}")
            else:
                frames.append(encode_frame([_instead_of(message, fault)], []))
        return b"".join(frames)


def _instead_of(message: Any, fault: str) -> Any:
    """What is sent for a message that can't be: an answer fails, everything else is reported in the log."""
    if message.__class__ is list:
        return {"t": "failed", "id": message[1], "error": f"The answer can't be sent: {fault}", "s": message[3]}
    if message["t"] == "ok":
        return {"t": "failed", "id": message["id"], "error": f"The answer can't be sent: {fault}", "s": message["s"]}
    kind = message["t"]
    return {"t": "log", "level": "error", "text": f"A message of the kind {kind} can't be sent: {fault}", "s": message.get("s")}
