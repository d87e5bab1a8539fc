"""Serialized submissions, taken apart and put together without the package protobuf.

A function that hears of passive results as messages is called once for each result, with a message that has just that one.
"""

from typing import Iterator, List, Optional, Tuple

#: Number of the field with the results, in SubmitRequestMessage and in SubmitResponseMessage.
_REQUEST_PAYLOAD = 3
_RESPONSE_PAYLOAD = 2

#: A SubmitResponseMessage with one result that says nothing, which counts as success.
_ACCEPTED = b"\x12\x00"

_VARINT, _EIGHT_BYTES, _DELIMITED, _FOUR_BYTES = 0, 1, 2, 5


def single_results(message: bytes) -> List[bytes]:
    """A SubmitRequestMessage for each result of one; the message itself when it has no more than one."""
    fields = list(_fields(message))
    results = [field for number, field in fields if number == _REQUEST_PAYLOAD]
    if len(results) <= 1:
        return [message]
    shared = b"".join(field for number, field in fields if number != _REQUEST_PAYLOAD)
    return [shared + result for result in results]


def joined_responses(responses: List[bytes]) -> Optional[bytes]:
    """One SubmitResponseMessage with the answers for all results; None when none of them has an answer.

    Raises ValueError for a response that is not empty and has not exactly one answer.
    """
    for response in responses:
        if response and sum(1 for number, _ in _fields(response) if number == _RESPONSE_PAYLOAD) != 1:
            raise ValueError("a SubmitResponseMessage must have exactly one payload")
    if not any(responses):
        return None
    # Messages that follow one another are one message with the repeated fields of both.
    return b"".join(response or _ACCEPTED for response in responses)


def _fields(message: bytes) -> Iterator[Tuple[int, bytes]]:
    """Numbers of the fields, each with the bytes that it consists of. Raises ValueError for what is no message."""
    position = 0
    while position < len(message):
        start = position
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == _VARINT:
            _, position = _varint(message, position)
        elif kind == _EIGHT_BYTES:
            position += 8
        elif kind == _DELIMITED:
            length, position = _varint(message, position)
            position += length
        elif kind == _FOUR_BYTES:
            position += 4
        else:
            raise ValueError(f"a field of the kind {kind}")
        if position > len(message):
            raise ValueError("a field that is longer than its message")
        yield tag >> 3, message[start:position]


def _varint(message: bytes, position: int) -> Tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number without an end")
