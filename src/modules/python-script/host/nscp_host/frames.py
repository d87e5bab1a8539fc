"""Frames on the control channel: a length, a JSON array of messages, and the raw blocks of those that have one."""

import json
from struct import Struct
from typing import Any, List, Sequence, Tuple

_prefix = Struct(">II")

#: A message with its block is at most this long, a frame at most four times as long.
MAX_MESSAGE = 16 * 1024 * 1024
_MAX_FRAME = 4 * MAX_MESSAGE

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode
_decode = json.JSONDecoder().decode


class ProtocolError(Exception):
    """The other side sent something that is no frame."""


def encode_frame(messages: Sequence[Any], blocks: Sequence[bytes]) -> bytes:
    """Raises TypeError, ValueError or RecursionError for a message that has no JSON form."""
    head = _encode(messages).encode()
    size = 4 + len(head)
    if not blocks:
        return _prefix.pack(size, len(head)) + head
    return _prefix.pack(size + sum(map(len, blocks)), len(head)) + head + b"".join(blocks)


class FrameReader:
    """Cuts what arrives into messages."""

    def __init__(self) -> None:
        self._chunks: List[bytes] = []
        self._waiting = 0
        self._wanted = 8

    def push(self, data: bytes) -> List[Tuple[Sequence[Any], bytes, int]]:
        """The frames that are complete now: messages, and where in which bytes their blocks begin."""
        if self._chunks or len(data) < 8:
            self._chunks.append(data)
            self._waiting += len(data)
            if self._waiting < self._wanted:
                return []
            data = b"".join(self._chunks)
            self._chunks.clear()
        frames: List[Tuple[Sequence[Any], bytes, int]] = []
        position = 0
        available = len(data)
        self._wanted = 8
        while available - position >= 8:
            size, head = _prefix.unpack_from(data, position)
            if size > _MAX_FRAME or head > size - 4:
                raise ProtocolError(f"a frame of {size} bytes with a head of {head}")
            end = position + 4 + size
            if end > available:
                self._wanted = 4 + size
                break
            blocks = position + 8 + head
            frames.append((_decode(str(data[position + 8 : blocks], "utf-8")), data, blocks))
            position = end
        if position < available:
            self._chunks.append(data[position:])
        self._waiting = available - position
        return frames
