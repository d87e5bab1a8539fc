"""The classes of the wire contract's messages, made when a script imports the first of the *_pb2 modules.

The contract comes as descriptors that the build made from its .proto files. The classes are in a descriptor pool of their
own and not in the default one: there a script, or a package it uses, may have files of the same names (every second
project has a common.proto), and the second of them to arrive would be refused. What looks up a type by its name, such as
json_format for an Any, has to be given the pool: `descriptor_pool=plugin_pb2.DESCRIPTOR.pool`.
"""

import copyreg
import os
import sys
from typing import Any, Callable, Dict, Tuple

#: The oldest release of the package protobuf whose classes do what those of the later ones do.
_OLDEST = (3, 20)

_folder = os.path.dirname(os.path.realpath(__file__))


def _require_protobuf() -> None:
    """Says in one sentence how to get the package when it is missing or too old."""
    try:
        from google import protobuf

        version = str(protobuf.__version__)
    except (ImportError, AttributeError):  # What is left of a package that was removed has no version.
        lack = "does not have it"
    else:
        if tuple(int(part) for part in version.split(".")[:2]) >= _OLDEST:
            return
        lack = f"has {version}"
    setup = os.path.join(_folder, *[os.pardir] * 5, "tools", "setup-python.js")
    raise ImportError(
        "The messages in plugin_pb2 and its siblings need the Python package protobuf, "
        f"{'.'.join(map(str, _OLDEST))} or newer, and {sys.executable} {lack}: "
        f'"node {os.path.normpath(setup)}" makes a Python for the gateway that has it, or install it for this one, '
        f'with the system\'s package python3-protobuf or with "{sys.executable} -m pip install protobuf"',
        name="google.protobuf",
    ) from None


_require_protobuf()

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper  # noqa: E402

_pool = descriptor_pool.DescriptorPool()


def _class_maker() -> Callable[[Any], Any]:
    """What gives the class of a message's descriptor; the method was replaced by the function in 4.22."""
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass
    return message_factory.MessageFactory(_pool).GetPrototype


_class_of = _class_maker()


def _reduce(message: Any) -> Tuple[Any, Tuple[()], Any]:
    return type(message), (), message.__getstate__()


def _complete_class(descriptor: Any, module: str) -> Any:
    """The class of a message with those nested in it as attributes, and with what pickle finds it by."""
    message = _class_of(descriptor)
    message.__module__ = module
    message.__qualname__ = descriptor.full_name[len(descriptor.file.package) + 1 :]
    # By itself the package would look for a nested class in the default pool when it reads a pickle.
    copyreg.pickle(message, _reduce)
    for nested in descriptor.nested_types:
        setattr(message, nested.name, _complete_class(nested, module))
    return message


def _contents_of_file(name: str, module: str) -> Dict[str, Any]:
    """What protoc puts into the module of a .proto file: its messages, its enums, and the values of those."""
    file = _pool.FindFileByName(name)
    contents: Dict[str, Any] = {"DESCRIPTOR": file}
    for enum in file.enum_types_by_name.values():
        contents[enum.name] = EnumTypeWrapper(enum)
        contents.update((value.name, value.number) for value in enum.values)
    for descriptor in file.message_types_by_name.values():
        contents[descriptor.name] = _complete_class(descriptor, module)
    return contents


def _read_contract() -> Dict[str, Dict[str, Any]]:
    """The contents of all modules by the modules' names; the files come in an order in which each finds what it imports."""
    with open(os.path.join(_folder, "messages.binpb"), "rb") as file:
        described = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    modules = {}
    for file in described.file:
        _pool.AddSerializedFile(file.SerializeToString())
        module = file.name[: -len(".proto")] + "_pb2"
        modules[module] = _contents_of_file(file.name, module)
    return modules


_modules = _read_contract()


def contents(module: str, *others: str) -> Dict[str, Any]:
    """What belongs into a *_pb2 module, and below it what is in others; of equal names the earlier module's wins."""
    merged: Dict[str, Any] = {}
    for name in (*reversed(others), module):
        merged.update(_modules[name])
    return merged
