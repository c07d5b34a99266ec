"""Message definitions: ROS 2 Jazzy's, those of installed packages, those a recording brings along.

No ROS is needed: the definitions of installed packages are read from their share folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import cast

from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat, Nodetype
from rosbags.interfaces.typing import FieldDesc, Typesdict
from rosbags.typesys import (
    Stores,
    TypesysError,
    get_types_from_idl,
    get_types_from_msg,
    get_typestore,
)
from rosbags.typesys.store import Typestore

from snn_ros.bags.errors import UnknownType
from snn_ros.packages import prefixes

# Messages of this project that rosbags does not know.
_OWN_PACKAGES = ("snn_ros", "vision_msgs")

_IDL_SEPARATOR = "=" * 80 + "\n"


@cache
def standard_types() -> Typestore:
    """The messages of ROS 2 Jazzy and of this project; one store for the whole process."""
    types = get_typestore(Stores.ROS2_JAZZY)
    for package in _OWN_PACKAGES:
        types.register(_installed_definitions(package))
    return types


def require(types: Typestore, message_type: str) -> None:
    """Make sure that a store can handle a type, if necessary from the installed package.

    Args:
        types: the store to add to.
        message_type: such as ``sensor_msgs/msg/Imu``.

    Raises:
        UnknownType: nothing defines it, or a type that it uses.
    """
    missing, seen = [message_type], set()
    while missing:
        name = missing.pop()
        if name not in types.fielddefs:
            definitions = _installed_definitions(name.split("/")[0])
            if name not in definitions:
                raise UnknownType(name)
            types.register({k: v for k, v in definitions.items() if k not in types.fielddefs})
        seen.add(name)
        missing.extend(used for used in _types_used_by(types, name) if used not in seen)


def extended(types: Typestore, definitions: Typesdict) -> Typestore:
    """Another store with further definitions, which win over those it had."""
    extension = get_typestore(Stores.EMPTY)
    extension.register(definitions)
    for name in types.fielddefs.keys() - definitions.keys():
        extension.fielddefs[name] = types.fielddefs[name]
        extension.types[name] = types.types[name]
    return extension


def bag_types(definitions: Iterable[tuple[str, MessageDefinition]]) -> Typestore:
    """The types of one recording; its own definitions win over the standard ones.

    Args:
        definitions: message types with the text recorded for them. One that is empty or that the
            parser does not understand counts for nothing: the bytes can be read without.

    Returns:
        The standard store itself if the recording agrees with it.
    """
    recorded: Typesdict = {}
    for message_type, definition in definitions:
        try:
            recorded.update(_parse(message_type, definition))
        except TypesysError:
            continue
    standard = standard_types()
    different = {k: v for k, v in recorded.items() if standard.fielddefs.get(k) != v}
    return extended(standard, different) if different else standard


def _parse(message_type: str, definition: MessageDefinition) -> Typesdict:
    if definition.format == MessageDefinitionFormat.MSG:
        return get_types_from_msg(definition.data, message_type)
    found: Typesdict = {}
    if definition.format == MessageDefinitionFormat.IDL:
        # rosbag2 joins the files of all types used, each behind a line "IDL: package/msg/Type".
        for part in definition.data.split(_IDL_SEPARATOR):
            found.update(
                get_types_from_idl(part.partition("\n")[2] if part[:5] == "IDL: " else part)
            )
    return found


def _installed_definitions(package: str) -> Typesdict:
    """All messages of a package, from the first share folder that has it."""
    found: Typesdict = {}
    for prefix in prefixes():
        for file in sorted((prefix / "share" / package / "msg").glob("*.msg")):
            found.update(get_types_from_msg(file.read_text(), f"{package}/msg/{file.stem}"))
        if found:
            break
    return found


def _types_used_by(types: Typestore, message_type: str) -> Iterator[str]:
    for _, description in types.fielddefs[message_type][1]:
        is_array = description[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE)
        kind, detail = cast(FieldDesc, description[1][0] if is_array else description)
        if kind == Nodetype.NAME:
            yield cast(str, detail)
