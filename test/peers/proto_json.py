"""Reads and writes messages as protobuf's own JSON: a question in a line of JSON each, on standard input.

`python3 proto_json.py <file that protoc wrote with --descriptor_set_out>`. Every answer is a line of JSON on standard output.
"""

import base64
import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

pool = descriptor_pool.DescriptorPool()
with open(sys.argv[1], "rb") as file:
    for described in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
        pool.Add(described)


def class_of(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def to_json(name, data, defaults):
    """The text for serialized messages, in base64."""
    message = class_of(name).FromString(base64.b64decode(data))
    return json_format.MessageToJson(message, always_print_fields_with_no_presence=defaults)


def from_json(name, text):
    """The serialized message for a text, in base64; null for a text that is refused."""
    try:
        message = json_format.Parse(text, class_of(name)())
    except json_format.ParseError:
        return None
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


QUESTIONS = {"to_json": to_json, "from_json": from_json}

for line in sys.stdin:
    question, *words = json.loads(line)
    print(json.dumps(QUESTIONS[question](*words)), flush=True)
