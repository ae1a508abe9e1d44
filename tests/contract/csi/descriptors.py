"""Descriptors of a .proto file as text, one piece for each thing it declares, so that two files can be compared.

The order of declarations, comments and the file's own name are no part of it; everything else is, custom options too.
"""

from pathlib import Path

from google.protobuf import message_factory, text_format
from google.protobuf.descriptor_pb2 import (
    DESCRIPTOR,
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from tools import protos


def pieces(folder: Path, proto: str) -> dict[str, str]:
    """Return what ``folder``/``proto`` declares: kind and name to its descriptor as text."""
    pool, file = _load(folder, proto)
    found = {f"message {message.name}": _text(_in_order(message), pool) for message in file.message_type}
    found |= {f"enum {enum.name}": _text(_values_in_order(enum), pool) for enum in file.enum_type}
    found |= {f"extension {field.name}": _text(field, pool) for field in file.extension}
    for service in file.service:
        found[f"service {service.name}"] = _text(service.options, pool)
        found |= {f"method {service.name}.{method.name}": _text(_plain(method), pool) for method in service.method}
    return found | {"file": _head(file, pool)}


def fields_with(option: str, folder: Path, proto: str) -> set[str]:
    """Return the names, without their message, of all fields that carry the boolean custom option ``option``."""
    pool, file = _load(folder, proto)
    mark = f"[{file.package}.{option}]: true"
    return {
        field.name for message in file.message_type for field in message.field if mark in _text(field.options, pool)
    }


def _load(folder: Path, proto: str) -> tuple[DescriptorPool, FileDescriptorProto]:
    pool = DescriptorPool()
    pool.AddSerializedFile(DESCRIPTOR.serialized_pb)  # not every file imports it
    files = FileDescriptorSet.FromString(protos.descriptor_set(folder, proto)).file
    for file in files:
        if file.name != DESCRIPTOR.name:
            pool.Add(file)
    return pool, next(file for file in files if file.name == proto)


def _head(file: FileDescriptorProto, pool: DescriptorPool) -> str:
    head = FileDescriptorProto(package=file.package, syntax=file.syntax, dependency=sorted(file.dependency))
    head.options.CopyFrom(file.options)
    return _text(head, pool)


def _plain(method: MethodDescriptorProto) -> MethodDescriptorProto:
    """Drop options that say nothing: ``rpc … {}`` has them, ``rpc …;`` has none."""
    if method.options.ByteSize() == 0:
        method.ClearField("options")
    return method


def _in_order(message: DescriptorProto) -> DescriptorProto:
    """Order the fields by number, and what is nested by name."""
    message.field.sort(key=lambda field: field.number)
    message.nested_type.sort(key=lambda nested: nested.name)
    message.enum_type.sort(key=lambda enum: enum.name)
    for nested in message.nested_type:
        _in_order(nested)
    for enum in message.enum_type:
        _values_in_order(enum)
    return message


def _values_in_order(enum: EnumDescriptorProto) -> EnumDescriptorProto:
    enum.value.sort(key=lambda value: value.number)
    return enum


def _text(message: Message, pool: DescriptorPool) -> str:
    """Return ``message`` as text, with the custom options that ``pool`` knows by name."""
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(message.DESCRIPTOR.full_name))
    return text_format.MessageToString(kind.FromString(message.SerializeToString()), descriptor_pool=pool)
