"""What an element of a launch file sees: variables, environment, namespace, and its file."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from snn_ros.errors import SnnRosError
from snn_ros.ros.launcher.document import Element
from snn_ros.ros.launcher.errors import LaunchFileError
from snn_ros.ros.launcher.substitutions import Surroundings, Template, evaluate, parse_template

NAMESPACE_VARIABLE = "ros_namespace"  # where ros2 launch keeps it, too
_NAMESPACE = re.compile(r"/|(/[A-Za-z_][A-Za-z0-9_]*)+")


@dataclass(frozen=True)
class Scope:
    """The surroundings of an element. The maps and ``own`` change as elements are worked off.

    Attributes:
        variables: the innermost ``<group>`` first.
        environment: variables set by the file, the innermost group first; the launcher's last.
        file: the file being read.
        passed: variables that were given to this file.
        own: variables that this file set at this place, by ``<arg>`` or ``<let>``.
        including: the files that include this one, outermost first.
    """

    variables: ChainMap[str, str]
    environment: ChainMap[str, str]
    file: Path
    passed: frozenset[str]
    own: set[str] = field(default_factory=set)
    including: tuple[Path, ...] = ()

    @classmethod
    def outermost(
        cls, file: Path, arguments: Mapping[str, str], environment: Mapping[str, str]
    ) -> Scope:
        """The scope of a launch file that is not included by another one."""
        return cls(
            ChainMap(dict(arguments)),
            ChainMap({}, dict(environment)),
            file,
            frozenset(arguments),
        )

    def inner(self) -> Scope:
        """The scope inside a group."""
        return replace(
            self,
            variables=self.variables.new_child(),
            environment=self.environment.new_child(),
            own=set(),
        )

    def included(self, file: Path, passed: frozenset[str]) -> Scope:
        """The scope inside an included file, which has no variables of its own."""
        return replace(
            self, file=file, passed=passed, own=set(), including=(*self.including, self.file)
        )

    @property
    def namespace(self) -> str | None:
        """The namespace pushed so far."""
        return self.variables.get(NAMESPACE_VARIABLE)

    def changed_environment(self) -> dict[str, str]:
        """The environment variables that launch files set."""
        return dict(ChainMap(*self.environment.maps[:-1]))

    def expand(self, template: Template) -> str:
        """Perform the substitutions of a template.

        Raises:
            SnnRosError: one has no value.
        """
        folder = self.file.resolve().parent
        return evaluate(template, Surroundings(self.variables, self.environment, folder))

    def text(self, element: Element, name: str) -> str:
        """An attribute with its substitutions performed; empty if it is absent.

        Raises:
            LaunchFileError: a substitution has no value.
        """
        with located(element, name):
            return self.expand(parse_template(element.attributes.get(name, "")))

    def existing_file(self, element: Element, name: str) -> Path:
        """The file that an attribute names.

        Raises:
            LaunchFileError: there is no such file.
        """
        file = Path(self.text(element, name))
        try:
            exists = file.is_file()
        except OSError:  # a name too long to be a file's
            exists = False
        if not exists:
            raise element.error(f"{name}: no file {str(file)!r}")
        return file

    def holds(self, element: Element) -> bool:
        """Whether the condition of an element is met.

        Raises:
            LaunchFileError: it is neither true nor false.
        """
        for name, wanted in (("if", True), ("unless", False)):
            if name in element.attributes:
                return self._condition(element, name) is wanted
        return True

    def _condition(self, element: Element, name: str) -> bool:
        text = self.text(element, name)
        words = {"true": True, "1": True, "false": False, "0": False}
        try:
            return words[text.strip().lower()]
        except KeyError:
            raise element.error(f"{name}: {text!r} is neither true, 1, false nor 0") from None


def joined_namespace(outer: str | None, inner: str | None) -> str | None:
    """A namespace inside another one, absolute; an absolute inner one stands alone.

    Returns:
        None if neither is set.
    """
    if inner is None or (outer and not inner.startswith("/")):
        inner = outer if inner is None else f"{outer}/{inner}"
    if inner is None:
        return None
    return "/" + "/".join(part for part in inner.split("/") if part)


def check_namespace(element: Element, namespace: str) -> str:
    """The namespace, if ROS takes it.

    Raises:
        LaunchFileError: it is not made of names separated by slashes.
    """
    if _NAMESPACE.fullmatch(namespace) is None:
        raise element.error(
            f"namespace: {namespace!r} is not made of names (letters, digits, underscore, "
            "not beginning with a digit) separated by slashes"
        )
    return namespace


@contextmanager
def located(element: Element, what: str) -> Iterator[None]:
    """Give an error inside the place where it happened."""
    try:
        yield
    except LaunchFileError:
        raise
    except SnnRosError as err:
        raise element.error(f"{what}: {err}") from err
