"""Configuration as data: frozen dataclasses whose fields carry description, unit and bounds.

One declaration serves a notebook (``check``), a YAML file (``from_mapping``), ROS parameters and
the parameter tables in the docs. Every problem is reported, each naming field and value::

    @dataclass(frozen=True)
    class LimiterConfig:
        limit: float = setting(10.0, "largest command", unit="u", minimum=0.0)
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from snn_ros.errors import SnnRosError

Config = TypeVar("Config")


class ConfigurationError(SnnRosError):
    """Raised when a configuration has one or more wrong values."""

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        super().__init__(f"{where}: " + "; ".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Setting:
    """What a field means and which values it takes."""

    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    read_only: bool = False


def setting(
    default: Any,
    description: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[Any] = (),
    read_only: bool = False,
) -> Any:
    """A dataclass field with its description and bounds.

    Args:
        default: the default value; a dataclass type makes a group of settings.
        description: one phrase for tables and ``ros2 param describe``.
        unit: the unit of the value, e.g. ``"m/s"``.
        minimum: smallest allowed number (inclusive), also for each member of a sequence.
        maximum: largest allowed number (inclusive).
        choices: the allowed values, if they are few; also for each member of a sequence.
        read_only: the value is fixed when a node is configured.
    """
    data = {"setting": Setting(description, unit, minimum, maximum, tuple(choices), read_only)}
    if isinstance(default, type | list):
        factory = default if isinstance(default, type) else lambda: list(default)
        return dataclasses.field(default_factory=factory, metadata=data)
    return dataclasses.field(default=default, metadata=data)


def setting_of(field: dataclasses.Field[Any]) -> Setting:
    """The setting of a dataclass field; fields made without ``setting`` have no bounds."""
    return field.metadata.get("setting", Setting(""))


def field_types(config_type: type) -> dict[str, Any]:
    """Resolved types of the fields of a dataclass, in order."""
    hints = typing.get_type_hints(config_type)
    return {field.name: hints[field.name] for field in dataclasses.fields(config_type)}


def leaves(
    config_type: type, prefix: str = ""
) -> Iterator[tuple[str, dataclasses.Field[Any], Any]]:
    """Every setting of a configuration and its groups as (dotted name, field, type)."""
    types_of = field_types(config_type)
    for field in dataclasses.fields(config_type):
        name, kind = f"{prefix}{field.name}", types_of[field.name]
        if dataclasses.is_dataclass(kind):
            yield from leaves(typing.cast(type, kind), f"{name}.")
        else:
            yield name, field, kind


def coerce(value: Any, kind: Any) -> Any:
    """The value as the type asked for, where nothing is lost (1 -> 1.0, list -> tuple).

    Raises:
        TypeError: the value is of another type.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        kind = next(a for a in arguments if a is not type(None))
        return coerce(value, kind)
    if origin in (list, tuple):
        fixed_length = origin is tuple and Ellipsis not in arguments
        if not isinstance(value, list | tuple) or (fixed_length and len(value) != len(arguments)):
            raise TypeError
        members = [coerce(member, arguments[0]) for member in value]
        return members if origin is list else tuple(members)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is Any:
        return value
    plain = origin or kind
    if not isinstance(value, plain) or (isinstance(value, bool) and plain is not bool):
        raise TypeError
    return value


def type_name(kind: Any) -> str:
    """How a type is called in messages and tables."""
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)


def problem_with(name: str, value: Any, field: dataclasses.Field[Any], kind: Any) -> str | None:
    """What is wrong with one value, as ``name = value: reason``; None when it is fine."""
    rule, shown = setting_of(field), f"{name} = {value!r}"
    try:
        value = coerce(value, kind)
    except TypeError:
        return f"{shown}: must be {type_name(kind)}, not {type(value).__name__}"
    members = value if isinstance(value, list | tuple) else [value]
    if rule.choices and any(member not in rule.choices for member in members):
        return f"{shown}: must be one of {', '.join(map(repr, rule.choices))}"
    for number in (m for m in members if isinstance(m, int | float) and not isinstance(m, bool)):
        if not math.isfinite(number):
            return f"{shown}: must be finite"
        if rule.minimum is not None and number < rule.minimum:
            return f"{shown}: must be at least {rule.minimum:g}"
        if rule.maximum is not None and number > rule.maximum:
            return f"{shown}: must be at most {rule.maximum:g}"
    return None


def check(config: Config, where: str | None = None) -> Config:
    """The same configuration, if every value in it and in its groups is allowed.

    Raises:
        ConfigurationError: lists every wrong value.
    """
    problems = []
    for name, field, kind in leaves(type(config)):
        value: Any = config
        for part in name.split("."):
            value = getattr(value, part)
        problems.append(problem_with(name, value, field, kind))
    found = [problem for problem in problems if problem]
    if found:
        raise ConfigurationError(where or type(config).__name__, found)
    return config


def overridden(config: Config, changes: Mapping[str, Any], where: str) -> Config:
    """The same configuration with other values for some of its settings.

    Args:
        config: what to change.
        changes: by dotted name, e.g. ``{"sensors.lidar": "vlp_16"}``.
        where: for messages.

    Raises:
        ConfigurationError: lists every unknown name and wrong value.
    """
    kinds = {name: (field, kind) for name, field, kind in leaves(type(config))}
    problems = []
    for name, value in changes.items():
        if name not in kinds:
            problems.append(f"{name}: unknown, expected one of {', '.join(_beside(name, kinds))}")
            continue
        problem = problem_with(name, value, *kinds[name])
        if problem:
            problems.append(problem)
        else:
            config = _replaced(config, name.split("."), coerce(value, kinds[name][1]))
    if problems:
        raise ConfigurationError(where, problems)
    return config


def _beside(name: str, known: Iterable[str]) -> list[str]:
    """Known names in the group of a dotted name, or in no group if there is no such group."""
    group = name.rpartition(".")[0]
    names = [other for other in known if other.rpartition(".")[0] == group]
    return names or list(dict.fromkeys(other.partition(".")[0] for other in known))


def _replaced(config: Config, path: Sequence[str], value: Any) -> Config:
    """A copy with one setting of it or of its groups changed."""
    if len(path) > 1:
        value = _replaced(getattr(config, path[0]), path[1:], value)
    return dataclasses.replace(config, **{path[0]: value})  # type: ignore[type-var]


def from_mapping(config_type: type[Config], values: Mapping[str, Any], where: str) -> Config:
    """A configuration from plain data such as a YAML file.

    Args:
        config_type: the dataclass to make.
        values: nested mappings, lists and scalars; what is absent takes its default.
        where: the file or section, for messages.

    Raises:
        ConfigurationError: lists every unknown key, missing key and wrong value.
    """
    problems: list[str] = []
    config = _build(config_type, values, "", problems)
    if problems:
        raise ConfigurationError(where, problems)
    return typing.cast(Config, config)


def _build(config_type: type, values: Any, prefix: str, problems: list[str]) -> Any:
    if not isinstance(values, Mapping):
        problems.append(f"{prefix[:-1] or 'top level'} = {values!r}: must be a mapping")
        return None
    kinds = field_types(config_type)
    problems.extend(
        f"{prefix}{key}: unknown, expected one of {', '.join(kinds)}"
        for key in sorted(set(values) - set(kinds), key=str)
    )
    arguments = {}
    for field in dataclasses.fields(config_type):
        name, kind = f"{prefix}{field.name}", kinds[field.name]
        if field.name in values:
            arguments[field.name] = _build_value(values[field.name], name, field, kind, problems)
        elif field.default is field.default_factory is dataclasses.MISSING:
            problems.append(f"{name}: missing")
    return None if problems else config_type(**arguments)


def _build_value(
    value: Any, name: str, field: dataclasses.Field[Any], kind: Any, problems: list[str]
) -> Any:
    """One field: a group, a list of groups, or a checked plain value."""
    member = typing.get_args(kind)[0] if typing.get_args(kind) else None
    if dataclasses.is_dataclass(kind):
        return _build(typing.cast(type, kind), value, f"{name}.", problems)
    if dataclasses.is_dataclass(member) and isinstance(value, list | tuple):
        items = [
            _build(typing.cast(type, member), v, f"{name}[{i}].", problems)
            for i, v in enumerate(value)
        ]
        return tuple(items) if typing.get_origin(kind) is tuple else items
    problem = problem_with(name, value, field, kind)
    if problem:
        problems.append(problem)
        return None
    return coerce(value, kind)
