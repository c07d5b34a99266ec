"""A configuration dataclass as ROS parameters: declared with bounds, read back typed.

A wrong value given at the start does not stop the node from coming up: it is kept as a problem, and
``read`` refuses the whole configuration, naming each parameter and value, until it is set right.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Generic

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterType,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from snn_ros import configuration
from snn_ros.configuration import Config, ConfigurationError, setting_of

# What every rclpy node declares by itself.
_FOREIGN_PREFIXES = ("use_sim_time", "qos_overrides.", "start_type_description_service")

_FLOAT_LIMIT = 1.7e308
_INTEGER_LIMIT = 2**63 - 1


class ParameterSet(Generic[Config]):
    """The parameters of one node, after one configuration dataclass."""

    def __init__(self, node: Node, config_type: type[Config]) -> None:
        """Declare every setting on the node.

        Args:
            node: the node to declare on.
            config_type: a dataclass of settings and groups; groups become dotted names.
        """
        self._node = node
        self._type = config_type
        self._leaves = {
            name: (field, kind) for name, field, kind in configuration.leaves(config_type)
        }
        # rclpy has no public way to see values given for parameters that nobody declared.
        given: dict[str, Parameter] = node._parameter_overrides
        self._problems = {
            name: f"{name} = {value.value!r}: unknown, expected one of {', '.join(self._leaves)}"
            for name, value in given.items()
            if name not in self._leaves and not name.startswith(_FOREIGN_PREFIXES)
        }
        for name, (field, kind) in self._leaves.items():
            self._declare(name, field, kind, given.get(name))
        node.add_on_set_parameters_callback(self._accept)

    def read(self) -> Config:
        """The configuration as it stands now.

        Raises:
            ConfigurationError: lists every wrong or unknown parameter with its value.
        """
        if self._problems:
            raise ConfigurationError("parameters", list(self._problems.values()))
        values: dict[str, Any] = {}
        for name in self._leaves:
            group = values
            *groups, last = name.split(".")
            for part in groups:
                group = group.setdefault(part, {})
            group[last] = self._node.get_parameter(name).value
        return configuration.from_mapping(self._type, values, "parameters")

    def _declare(
        self, name: str, field: dataclasses.Field[Any], kind: Any, given: Parameter | None
    ) -> None:
        default = _default(field)
        value = default if given is None else given.value
        problem = configuration.problem_with(name, value, field, kind)
        if problem:
            self._problems[name] = problem
            value = default
        value = configuration.coerce(value, kind)
        self._node.declare_parameter(
            name, _plain(value), _descriptor(field, kind), ignore_override=True
        )

    def _accept(self, parameters: list[Parameter]) -> SetParametersResult:
        """Refuse wrong values at run time with their reason; a right one settles its problem."""
        ours = [p for p in parameters if p.name in self._leaves]
        found = [configuration.problem_with(p.name, p.value, *self._leaves[p.name]) for p in ours]
        problems = [problem for problem in found if problem]
        if problems:
            return SetParametersResult(successful=False, reason="; ".join(problems))
        for parameter in ours:
            self._problems.pop(parameter.name, None)
        return SetParametersResult(successful=True)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _parameter_type(kind: Any) -> int:
    members = typing.get_args(kind)
    scalar = {
        bool: ParameterType.PARAMETER_BOOL,
        int: ParameterType.PARAMETER_INTEGER,
        float: ParameterType.PARAMETER_DOUBLE,
        str: ParameterType.PARAMETER_STRING,
    }
    arrays = {
        bool: ParameterType.PARAMETER_BOOL_ARRAY,
        int: ParameterType.PARAMETER_INTEGER_ARRAY,
        float: ParameterType.PARAMETER_DOUBLE_ARRAY,
        str: ParameterType.PARAMETER_STRING_ARRAY,
    }
    return arrays[members[0]] if members else scalar[kind]


def _descriptor(field: dataclasses.Field[Any], kind: Any) -> ParameterDescriptor:
    rule = setting_of(field)
    unit = f" [{rule.unit}]" if rule.unit else ""
    descriptor = ParameterDescriptor(
        description=rule.description + unit,
        type=_parameter_type(kind),
        read_only=rule.read_only,
        additional_constraints=f"one of {', '.join(map(str, rule.choices))}"
        if rule.choices
        else "",
    )
    bounded = rule.minimum is not None or rule.maximum is not None
    if bounded and kind is float:
        lowest = -_FLOAT_LIMIT if rule.minimum is None else float(rule.minimum)
        highest = _FLOAT_LIMIT if rule.maximum is None else float(rule.maximum)
        descriptor.floating_point_range = [FloatingPointRange(from_value=lowest, to_value=highest)]
    if bounded and kind is int:
        lowest = -_INTEGER_LIMIT if rule.minimum is None else int(rule.minimum)
        highest = _INTEGER_LIMIT if rule.maximum is None else int(rule.maximum)
        descriptor.integer_range = [IntegerRange(from_value=lowest, to_value=highest)]
    return descriptor
