"""From a launch file to the processes it asks for. Nothing is started here.

Scopes follow ``ros2 launch``: a ``<group>`` sees the variables around it and keeps its own; an
``<include>`` has no scope of its own. Two traps of that rule are errors here, because a reader of
the file would expect something else: an included file that takes the value of a variable it was
not passed, and an include that changes a variable of the file around it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from snn_ros.ros.launcher import grammar
from snn_ros.ros.launcher.description import Argument, LaunchDescription, NodeProcess
from snn_ros.ros.launcher.document import Element, read
from snn_ros.ros.launcher.errors import LaunchArgumentError, LaunchFileError
from snn_ros.ros.launcher.nodes import node_process
from snn_ros.ros.launcher.scope import (
    NAMESPACE_VARIABLE,
    Scope,
    check_namespace,
    joined_namespace,
)
from snn_ros.ros.launcher.substitutions import calls, parse_template

MAX_INCLUDES = 20


def load(
    file: Path,
    arguments: Mapping[str, str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> LaunchDescription:
    """Work a launch file out.

    Args:
        file: the launch file.
        arguments: values for its arguments.
        environment: what ``$(env …)`` and package look-up see.

    Raises:
        LaunchFileError: the file, or one it includes, is not understood. Every problem names its
            file and line.
        LaunchArgumentError: an argument is not declared by the file, or not one of its choices.
    """
    root = _read_checked(file)
    declared = _declared(root)
    given = dict(arguments or {})
    _check_given(file, declared, given)
    scope = Scope.outermost(file, given, environment)
    return LaunchDescription(file, declared, tuple(_run_all(root.children, scope)))


def read_arguments(file: Path) -> tuple[Argument, ...]:
    """The arguments that a launch file declares, whatever the conditions around them.

    Raises:
        LaunchFileError: the file is not understood.
    """
    return _declared(_read_checked(file))


def _read_checked(file: Path) -> Element:
    root = read(file)
    problems = grammar.check(root)
    if problems:
        raise LaunchFileError(problems)
    return root


def _declared(root: Element) -> tuple[Argument, ...]:
    return tuple(
        Argument(
            name=element.attributes["name"],
            default=element.attributes.get("default"),
            description=element.attributes.get("description", ""),
            choices=_choices(element),
        )
        for element in _declarations(root)
    )


def _declarations(element: Element) -> Iterator[Element]:
    for child in element.children:
        if child.tag == "arg":
            yield child
        elif child.tag == "group":
            yield from _declarations(child)


def _choices(element: Element) -> tuple[str, ...]:
    return tuple(choice.attributes["value"] for choice in element.all("choice"))


def _check_given(file: Path, declared: Iterable[Argument], given: Mapping[str, str]) -> None:
    arguments = {argument.name: argument for argument in declared}
    problems = []
    for name, value in given.items():
        if name not in arguments:
            close = difflib.get_close_matches(name, arguments, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            problems.append(
                f"no argument {name!r}; declared are {', '.join(arguments) or 'none'}{hint}"
            )
        elif arguments[name].choices and value not in arguments[name].choices:
            problems.append(
                f"argument {name!r} is {value!r}, not one of {', '.join(arguments[name].choices)}"
            )
    problems += [
        f"argument {name!r} must be given ({argument.description or 'no description'})"
        for name, argument in arguments.items()
        if argument.default is None and name not in given
    ]
    if problems:
        raise LaunchArgumentError(f"{file}: " + "; ".join(problems))


def _run_all(elements: Iterable[Element], scope: Scope) -> Iterator[NodeProcess]:
    for element in elements:
        if scope.holds(element):
            yield from _HANDLERS[element.tag](element, scope)


def _arg(element: Element, scope: Scope) -> Iterator[NodeProcess]:
    name = element.attributes["name"]
    if name in scope.variables and name not in scope.passed:
        raise element.error(
            f"argument {name!r} would take the value {scope.variables[name]!r} of a variable that "
            "is set already, not its default; pass it on: <include …><arg name=… value=…/>"
        )
    if name not in scope.variables:
        if "default" not in element.attributes:
            raise element.error(f"argument {name!r} must be given")
        scope.variables[name] = scope.text(element, "default")
    choices = _choices(element)
    if choices and scope.variables[name] not in choices:
        raise element.error(
            f"argument {name!r} is {scope.variables[name]!r}, not one of {', '.join(choices)}"
        )
    scope.own.add(name)
    return iter(())


def _let(element: Element, scope: Scope) -> Iterator[NodeProcess]:
    name = scope.text(element, "name")
    scope.variables[name] = scope.text(element, "value")
    scope.own.add(name)
    return iter(())


def _set_env(element: Element, scope: Scope) -> Iterator[NodeProcess]:
    scope.environment[scope.text(element, "name")] = scope.text(element, "value")
    return iter(())


def _push_namespace(element: Element, scope: Scope) -> Iterator[NodeProcess]:
    pushed = joined_namespace(scope.namespace, scope.text(element, "namespace"))
    scope.variables[NAMESPACE_VARIABLE] = check_namespace(element, pushed or "/")
    return iter(())


def _group(element: Element, scope: Scope) -> Iterator[NodeProcess]:
    scoped = element.attributes.get("scoped", "true") == "true"
    yield from _run_all(element.children, scope.inner() if scoped else scope)


def _node(element: Element, scope: Scope) -> Iterator[NodeProcess]:
    yield node_process(element, scope)


def _include(element: Element, scope: Scope) -> Iterator[NodeProcess]:
    root = _read_included(element, scope)
    names = [scope.text(child, "name") for child in element.children]
    _check_passed(element, root, names)
    before = dict(scope.variables)
    for name, child in zip(names, element.children, strict=True):
        if calls(parse_template(child.attributes["value"]), "dirname"):
            raise child.error(
                "$(dirname) here is the folder of the included file to ros2 launch; "
                "use a <let> before the <include>"
            )
        scope.variables[name] = scope.text(child, "value")
    yield from _run_all(root.children, scope.included(root.file, frozenset(names)))
    changed = {name for name in before if scope.variables[name] != before[name]} & scope.own
    if scope.namespace != before.get(NAMESPACE_VARIABLE):
        changed.add(NAMESPACE_VARIABLE)
    if changed:
        raise element.error(
            f"the included file changes {', '.join(sorted(changed))} of this file; "
            "put the <include> into a <group>"
        )


def _read_included(element: Element, scope: Scope) -> Element:
    file = scope.existing_file(element, "file")
    if file.suffix != ".xml":
        raise element.error(f"file: {str(file)!r} is no XML launch file")
    if len(scope.including) >= MAX_INCLUDES:
        raise element.error(f"file: {str(file)!r} is included more than {MAX_INCLUDES} deep")
    return _read_checked(file)


def _check_passed(element: Element, root: Element, names: list[str]) -> None:
    declared = [argument.name for argument in _declared(root)]
    unknown = [name for name in names if name not in declared]
    if unknown:
        raise element.error(
            f"{root.file.name} has no argument {', '.join(map(repr, unknown))}; "
            f"declared are {', '.join(declared) or 'none'}"
        )


_HANDLERS: Mapping[str, Callable[[Element, Scope], Iterator[NodeProcess]]] = {
    "arg": _arg,
    "let": _let,
    "set_env": _set_env,
    "push_ros_namespace": _push_namespace,
    "push-ros-namespace": _push_namespace,
    "group": _group,
    "node": _node,
    "include": _include,
}
