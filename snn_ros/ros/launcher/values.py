"""Parameter values: from the text in a launch file to a typed value, and on to a ROS argument.

The order is that of ``ros2 launch``: YAML is read first, substitutions are performed in the
strings it holds, and what they give is read as YAML again. So ``'$(var x)'`` in quotes is not kept
a string; ``type="str"`` is what keeps it one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import yaml

from snn_ros.ros.launcher.errors import LaunchError
from snn_ros.ros.launcher.substitutions import Call, Template, parse_template

Scalar = bool | int | float | str
Value = Scalar | list[Scalar]
_SCALAR_TYPES: dict[str, type] = {"str": str, "bool": bool, "int": int, "float": float}
_LIST_TYPES = {f"list_of_{name}": name for name in _SCALAR_TYPES}
TYPES = ("yaml", *_SCALAR_TYPES, *_LIST_TYPES)
"""What ``<param type="…">`` may say; ``yaml`` is as good as no type."""


class ValueTextError(LaunchError):
    """Raised when a text is not a value of the wanted type."""


def parse_value(text: str, type_name: str, expand: Callable[[Template], str]) -> Value:
    """The value a text stands for.

    As YAML, ``1`` is an integer, ``1.0`` a float, ``true`` a bool, ``[1, 2]`` a list and ``'1'`` a
    string.

    Args:
        text: as it is in the launch file.
        type_name: one of ``TYPES``.
        expand: performs the substitutions.

    Raises:
        ValueTextError: it is no value of that type, or of no type that a ROS parameter has.
    """
    if type_name in _LIST_TYPES:
        items = _read_yaml(text)
        if not isinstance(items, list):
            raise ValueTextError(f"{text!r} is no {type_name}")
        return [_item(item, _LIST_TYPES[type_name], expand) for item in items]
    if type_name in _SCALAR_TYPES:
        return _coerce(expand(parse_template(text)), type_name)
    value = _read_yaml(text)
    if isinstance(value, list):
        return _uniform(text, [_performed(item, expand) for item in value])
    return _performed(value, expand)


def ros_value(value: Value) -> str:
    """The value as ROS reads it after ``-p name:=``: JSON, and YAML's words for what JSON lacks."""
    if isinstance(value, list):
        return f"[{', '.join(map(ros_value, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return json.dumps(value, ensure_ascii=False)


def _performed(value: Value, expand: Callable[[Template], str]) -> Value:
    """A value read from YAML, substitutions performed if it is a string."""
    if not isinstance(value, str):
        return value
    template = parse_template(value)
    expanded = expand(template)
    return _read_yaml(expanded) if any(isinstance(part, Call) for part in template) else expanded


def _item(item: Scalar, type_name: str, expand: Callable[[Template], str]) -> Scalar:
    if type(item) is _SCALAR_TYPES[type_name] and type_name != "str":
        return item
    if isinstance(item, str):
        return _coerce(expand(parse_template(item)), type_name)
    raise ValueTextError(f"{item!r} in the list is no {type_name}")


def _coerce(text: str, type_name: str) -> Scalar:
    if type_name == "str":
        return text
    if type_name == "bool":
        value = _read_yaml({"0": "false", "1": "true"}.get(text, text))
        if isinstance(value, bool):
            return value
        raise ValueTextError(f"{text!r} is no bool")
    try:
        return _SCALAR_TYPES[type_name](text)
    except ValueError as err:
        raise ValueTextError(f"{text!r} is no {type_name}") from err


def _read_yaml(text: str) -> Value:
    if not text:
        return text
    try:
        value = yaml.safe_load(text)
    # The loader lets dates and numbers out of range through as plain errors of Python.
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, LookupError) as err:
        raise ValueTextError(f'{text!r} is not YAML; is it a string? Then say type="str"') from err
    return _uniform(text, value)


def _uniform(text: str, value: object) -> Value:
    """The value if a ROS parameter can have it: a scalar, or a list of scalars of one type."""
    items = value if isinstance(value, list) else [value]
    if value == []:
        raise ValueTextError("an empty list has no type that a ROS parameter could take")
    types = {type(item) for item in items if not (isinstance(item, str) and "$(" in item)}
    if len(types) > 1 or not types <= set(_SCALAR_TYPES.values()):
        raise ValueTextError(
            f"{text!r} is neither a bool, a number, a string, nor a list of one of these;"
            ' is it a string? Then say type="str"'
        )
    return value  # type: ignore[return-value]
