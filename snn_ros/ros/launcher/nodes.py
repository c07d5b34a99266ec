"""The ``<node>`` element: from its attributes and children to a process to start."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from snn_ros.ros.launcher.description import NodeProcess, Parameter, ParameterFile
from snn_ros.ros.launcher.document import Element
from snn_ros.ros.launcher.scope import Scope, check_namespace, joined_namespace, located
from snn_ros.ros.launcher.substitutions import parse_template
from snn_ros.ros.launcher.values import parse_value

OUTPUTS = ("screen", "log", "both")
_NODE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_TOPIC = re.compile(r"[A-Za-z0-9_~/{}.:]+")


def node_process(element: Element, scope: Scope) -> NodeProcess:
    """The process of a ``<node>``.

    Raises:
        LaunchFileError: a value in it is not allowed.
    """
    has = element.attributes
    return NodeProcess(
        package=scope.text(element, "pkg"),
        executable=scope.text(element, "exec"),
        name=_name(element, scope) if "name" in has else None,
        namespace=_namespace(element, scope),
        parameters=tuple(_parameters(element, scope)),
        remappings=tuple(_remapping(child, scope) for child in element.all("remap")),
        arguments=_words(element, "args", scope),
        ros_arguments=_words(element, "ros_args", scope),
        environment=scope.changed_environment() | _environment(element, scope),
        output=_output(element, scope),
        respawn="respawn" in has and _bool(element, "respawn", scope),
        respawn_delay=float(has.get("respawn_delay", 0.0)),
        required=has.get("on_exit") == "shutdown",
        file=element.file,
        line=element.line,
    )


def _name(element: Element, scope: Scope) -> str:
    name = scope.text(element, "name")
    if _NODE_NAME.fullmatch(name) is None:
        raise element.error(
            f"name: {name!r} is no node name (letters, digits, underscore, not beginning with a "
            "digit)"
        )
    return name


def _namespace(element: Element, scope: Scope) -> str | None:
    given = scope.text(element, "namespace") if "namespace" in element.attributes else None
    namespace = joined_namespace(scope.namespace, given)
    return None if namespace is None else check_namespace(element, namespace)


def _output(element: Element, scope: Scope) -> str:
    output = scope.text(element, "output") or "log"
    if output not in OUTPUTS:
        raise element.error(f"output: {output!r} is not one of {', '.join(OUTPUTS)}")
    return output


def _bool(element: Element, name: str, scope: Scope) -> bool:
    with located(element, name):
        return bool(parse_value(element.attributes[name], "bool", scope.expand))


def _environment(element: Element, scope: Scope) -> dict[str, str]:
    return {scope.text(child, "name"): scope.text(child, "value") for child in element.all("env")}


def _remapping(element: Element, scope: Scope) -> tuple[str, str]:
    names = scope.text(element, "from"), scope.text(element, "to")
    for name in names:
        if _TOPIC.fullmatch(name) is None:
            raise element.error(f"{name!r} is no topic or service name")
    return names


def _words(element: Element, attribute: str, scope: Scope) -> tuple[str, ...]:
    """Split a command line; what a substitution gives stays in one word, whatever it holds."""
    with located(element, attribute):
        template = parse_template(element.attributes.get(attribute, ""))
        values = [scope.expand((part,)) for part in template if not isinstance(part, str)]
    # A stand-in that no file can hold: XML has no such character.
    line = "".join(part if isinstance(part, str) else "\0" for part in template)
    try:
        for part in template:
            shlex.split(part if isinstance(part, str) else "")
        words = shlex.split(line)
    except ValueError as err:
        raise element.error(f"{attribute}: {err} in {element.attributes[attribute]!r}") from err
    remaining = iter(values)
    return tuple(re.sub("\0", lambda _: next(remaining), word) for word in words)


def _parameters(element: Element, scope: Scope) -> Iterator[Parameter | ParameterFile]:
    named = False
    for child in element.all("param"):
        if "from" not in child.attributes:
            named = True
            yield from _named_parameters(child, scope, "")
        elif named:
            # To ros2 launch the node's own parameters win over a file for all nodes in any order;
            # on a command line the last one wins.
            raise child.error("<param from> must come before every <param name>")
        else:
            yield ParameterFile(scope.existing_file(child, "from").absolute())


def _named_parameters(element: Element, scope: Scope, prefix: str) -> Iterator[Parameter]:
    name = prefix + scope.text(element, "name")
    if _PARAMETER_NAME.fullmatch(name) is None:
        raise element.error(f"name: {name!r} is no parameter name")
    if element.children:
        for child in element.children:
            yield from _named_parameters(child, scope, f"{name}.")
        return
    with located(element, f"parameter {name!r}"):
        value = parse_value(
            element.attributes["value"], element.attributes.get("type", "yaml"), scope.expand
        )
    yield Parameter(name, value)
