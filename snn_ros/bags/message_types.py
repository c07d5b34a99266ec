"""Message definitions: ROS 2 Jazzy's, those of installed packages, those a recording brings along.

No ROS is needed: the definitions of installed packages are read from their share folders.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
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
    if message_type in types.fielddefs:
        return
    definitions = _installed_definitions(message_type.split("/")[0])
    if message_type not in definitions:
        raise UnknownType(message_type)
    types.register({k: v for k, v in definitions.items() if k not in types.fielddefs})
    for used in _types_used_by(types, message_type):
        require(types, used)


def bag_types(definitions: Iterable[tuple[str, MessageDefinition]]) -> Typestore:
    """A store for one recording; its own definitions win over those of Jazzy.

    Args:
        definitions: message types with the text recorded for them. One that is empty or that the
            parser does not understand counts for nothing: the bytes can be read without.
    """
    recorded: Typesdict = {}
    for message_type, definition in definitions:
        try:
            recorded.update(_parse(message_type, definition))
        except TypesysError:
            continue
    types = get_typestore(Stores.EMPTY)
    types.register({**standard_types().fielddefs, **recorded})
    return types


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
    for prefix in _prefixes():
        for file in sorted((prefix / "share" / package / "msg").glob("*.msg")):
            found.update(get_types_from_msg(file.read_text(), f"{package}/msg/{file.stem}"))
        if found:
            break
    return found


def _prefixes() -> Iterator[Path]:
    """Where ROS packages are installed; the wheels' place comes last and needs no variable."""
    for prefix in [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]:
        if prefix:
            yield Path(prefix)


def _types_used_by(types: Typestore, message_type: str) -> Iterator[str]:
    for _, description in types.fielddefs[message_type][1]:
        is_array = description[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE)
        kind, detail = cast(FieldDesc, description[1][0] if is_array else description)
        if kind == Nodetype.NAME:
            yield cast(str, detail)
