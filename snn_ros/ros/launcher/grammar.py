"""The elements and attributes a launch file may have: a part of the XML grammar of ROS 2.

Everything here has the same meaning to ``ros2 launch``, from Jazzy on. What is not here is an error
in both, or would be in ours: the launcher never passes over what it does not understand.
Source: the ``parse`` methods of the actions in ros2/launch and ros2/launch_ros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from snn_ros.ros.launcher.document import Element
from snn_ros.ros.launcher.errors import Problem
from snn_ros.ros.launcher.substitutions import SubstitutionError, parse_template
from snn_ros.ros.launcher.values import TYPES


@dataclass(frozen=True)
class Attribute:
    """What an attribute may hold: a text with substitutions, or only what the pattern matches."""

    required: bool = False
    pattern: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Rule:
    """The attributes of an element, and its children as tag: name of a rule."""

    attributes: Mapping[str, Attribute]
    children: Mapping[str, str] = field(default_factory=dict)


TEXT = Attribute()
REQUIRED_TEXT = Attribute(required=True)
# ROS reads these without performing substitutions.
PLAIN = Attribute(pattern=r"((?!\$\().)*", expected="a text without substitutions")
REQUIRED_PLAIN = Attribute(True, PLAIN.pattern, PLAIN.expected)
BOOL = Attribute(pattern="true|false", expected="true or false")
SECONDS = Attribute(pattern=r"\d+(\.\d+)?", expected="a number of seconds")
TYPE = Attribute(pattern="|".join(TYPES), expected="one of " + ", ".join(TYPES))
SHUTDOWN = Attribute(pattern="shutdown", expected="shutdown")

CONDITIONS = {"if": TEXT, "unless": TEXT}
PAIR = {"name": REQUIRED_TEXT, "value": REQUIRED_TEXT}
ACTIONS = {
    "arg": "arg",
    "let": "let",
    "group": "group",
    "include": "include",
    "node": "node",
    "set_env": "set_env",
    "push_ros_namespace": "push_ros_namespace",
    "push-ros-namespace": "push_ros_namespace",
}
NODE_ATTRIBUTES = {
    "pkg": REQUIRED_TEXT,
    "exec": REQUIRED_TEXT,
    "name": TEXT,
    "namespace": TEXT,
    "args": TEXT,
    "ros_args": TEXT,
    "output": TEXT,
    "respawn": TEXT,
    "respawn_delay": SECONDS,
    "on_exit": SHUTDOWN,
}

GRAMMAR: Mapping[str, Rule] = {
    "launch": Rule({}, ACTIONS),
    "arg": Rule(
        {"name": REQUIRED_PLAIN, "default": TEXT, "description": PLAIN, **CONDITIONS},
        {"choice": "choice"},
    ),
    "choice": Rule({"value": REQUIRED_PLAIN}),
    "let": Rule(PAIR | CONDITIONS),
    "group": Rule({"scoped": BOOL, **CONDITIONS}, ACTIONS),
    "include": Rule({"file": REQUIRED_TEXT, **CONDITIONS}, {"arg": "pair"}),
    "pair": Rule(PAIR),
    "set_env": Rule(PAIR | CONDITIONS),
    "push_ros_namespace": Rule({"namespace": REQUIRED_TEXT, **CONDITIONS}),
    "node": Rule(NODE_ATTRIBUTES | CONDITIONS, {"param": "param", "remap": "remap", "env": "pair"}),
    "param": Rule(
        {"name": TEXT, "value": TEXT, "type": TYPE, "from": TEXT}, {"param": "nested_param"}
    ),
    "nested_param": Rule({"name": TEXT, "value": TEXT, "type": TYPE}, {"param": "nested_param"}),
    "remap": Rule({"from": REQUIRED_TEXT, "to": REQUIRED_TEXT}),
}


def check(root: Element) -> list[Problem]:
    """Everything in a launch file that the grammar does not allow, in the order of its lines."""
    if root.tag != "launch":
        return [root.problem(f"expected <launch>, found <{root.tag}>")]
    return sorted(_check(root, GRAMMAR["launch"]), key=lambda problem: problem.line)


def _check(element: Element, rule: Rule) -> Iterator[Problem]:
    for name in rule.attributes:
        if rule.attributes[name].required and name not in element.attributes:
            yield element.problem(f"<{element.tag}> needs the attribute {name!r}")
    for name, text in element.attributes.items():
        if name not in rule.attributes:
            yield element.problem(
                f"<{element.tag}> has no attribute {name!r}; it has {_listed(rule.attributes)}"
            )
        else:
            yield from _check_attribute(element, name, text, rule.attributes[name])
    yield from _check_combinations(element)
    for child in element.children:
        if child.tag not in rule.children:
            yield child.problem(
                f"<{element.tag}> has no element <{child.tag}>; it has {_listed(rule.children)}"
            )
        else:
            yield from _check(child, GRAMMAR[rule.children[child.tag]])


def _check_attribute(
    element: Element, name: str, text: str, attribute: Attribute
) -> Iterator[Problem]:
    if attribute.pattern:
        if re.fullmatch(attribute.pattern, text, re.DOTALL) is None:
            yield element.problem(f"{name}={text!r}: expected {attribute.expected}")
        return
    try:
        parse_template(text)
    except SubstitutionError as err:
        yield element.problem(f"{name}={text!r}: {err}")


def _check_combinations(element: Element) -> Iterator[Problem]:
    has = element.attributes.keys()
    if {"if", "unless"} <= has:
        yield element.problem("'if' and 'unless' exclude each other")
    if element.tag != "param":
        return
    if "from" in has:
        if len(has) > 1 or element.children:
            yield element.problem("<param from> has no other attribute and no children")
    elif "name" not in has:
        yield element.problem("<param> needs the attribute 'name' or 'from'")
    elif ("value" in has) == bool(element.children):
        yield element.problem("<param name> needs either the attribute 'value' or nested <param>")
    elif "type" in has and element.children:
        yield element.problem("a <param> with nested ones has no 'type'")


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"
