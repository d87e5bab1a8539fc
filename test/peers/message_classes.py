"""Answers questions about the message classes of plugin_pb2 and its siblings: a line of JSON each, on standard input.

`python3 message_classes.py <folder with the modules>`. Every answer is a line of JSON on standard output.
"""

import base64
import functools
import importlib
import json
import sys

from google.protobuf import json_format

MODULES = ["common_pb2", "registry_pb2", "plugin_pb2", "settings_pb2", "metrics_pb2", "log_pb2", "storage_pb2"]
SCALARS = {1: "double", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 12: "bytes"}


def describe():
    """All messages and enums by their full names, as attributes of modules and classes show them."""
    messages, enums = {}, {}

    def enumeration(owner, descriptor):
        wrapper = getattr(owner, descriptor.name)
        values = {name: getattr(owner, name) for name in wrapper.keys()}
        assert values == dict(wrapper.items())
        enums[descriptor.full_name] = values

    def message(owner, descriptor):
        cls = getattr(owner, descriptor.name)
        assert cls.DESCRIPTOR is descriptor
        fields = []
        for field in descriptor.fields:
            kind = field.message_type or field.enum_type
            one_of = field.containing_oneof
            fields.append(
                {
                    "name": field.name,
                    "number": getattr(cls, field.name.upper() + "_FIELD_NUMBER"),
                    "type": kind.full_name if kind else SCALARS[field.type],
                    "repeated": is_repeated(field),
                    "oneof": one_of.name if one_of else None,
                }
            )
        messages[descriptor.full_name] = {"class": f"{cls.__module__}.{cls.__qualname__}", "fields": fields}
        for nested in descriptor.enum_types:
            enumeration(cls, nested)
        for nested in descriptor.nested_types:
            message(cls, nested)

    for name in MODULES:
        module = importlib.import_module(name)
        for descriptor in module.DESCRIPTOR.enum_types_by_name.values():
            enumeration(module, descriptor)
        for descriptor in module.DESCRIPTOR.message_types_by_name.values():
            message(module, descriptor)
    return {"messages": messages, "enums": enums}


def is_repeated(field):
    """The attribute came with 5.29, and the one before it goes away."""
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    return field.label == field.LABEL_REPEATED


def class_of(name):
    module, _, path = name.partition(".")
    return functools.reduce(getattr, path.split("."), importlib.import_module(module))


def echo(name, data):
    """What was read, as JSON, and written again by a message that was made from that JSON."""
    cls = class_of(name)
    message = cls.FromString(base64.b64decode(data))
    fields = json_format.MessageToDict(message)
    again = json_format.ParseDict(fields, cls())
    written = again.SerializeToString()
    # By what is written: a number that is none is not equal to itself.
    assert written == message.SerializeToString()
    return {"fields": fields, "data": base64.b64encode(written).decode()}


def fill(name):
    """A message for each alternative of its oneofs, with every other field set to something that is not its default."""
    cls = class_of(name)
    alternatives = max([1, *(len(one_of.fields) for one_of in cls.DESCRIPTOR.oneofs)])
    filled = [filled_message(cls(), which, ()) for which in range(alternatives)]
    return [
        {"fields": json_format.MessageToDict(message), "data": base64.b64encode(message.SerializeToString()).decode()}
        for message in filled
    ]


def filled_message(message, which, above):
    """Messages that contain themselves do so once."""
    kind = message.DESCRIPTOR.full_name
    for field in message.DESCRIPTOR.fields:
        one_of = field.containing_oneof
        if one_of and one_of.fields[which % len(one_of.fields)].name != field.name:
            continue
        value = getattr(message, field.name)
        if field.message_type:
            if (*above, kind).count(field.message_type.full_name) > 1:
                continue
            for part in (value.add(), value.add()) if is_repeated(field) else (value,):
                part.SetInParent()
                filled_message(part, which, (*above, kind))
        elif is_repeated(field):
            value.extend([scalar(field, 0), scalar(field, 1)])
        else:
            setattr(message, field.name, scalar(field, 0))
    return message


def scalar(field, index):
    number = field.number + 100 * index
    if field.enum_type:
        return field.enum_type.values[-1 - index].number
    return {
        "double": -number - 0.1,
        "int64": -(2**62) - number,
        "uint64": 2**63 + number,
        "int32": -(2**30) - number,
        "bool": True,
        "string": f"{field.name} {index} äöü \U0001f600",
        "bytes": bytes([0, number % 256, 255]),
    }[SCALARS[field.type]]


QUESTIONS = {"describe": describe, "echo": echo, "fill": fill}

sys.path.insert(0, sys.argv[1])
for line in sys.stdin:
    question, *words = json.loads(line)
    print(json.dumps(QUESTIONS[question](*words)), flush=True)
