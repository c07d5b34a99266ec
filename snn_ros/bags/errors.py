"""What can be wrong with a recording, each failure naming the file."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from snn_ros.errors import SnnRosError


class BagUnreadable(SnnRosError):
    """The file is foreign, truncated or damaged."""

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


class BagExists(SnnRosError):
    """A recording is never overwritten."""

    def __init__(self, path: str | PathLike[str]) -> None:
        super().__init__(f"{path}: is there already; name another output or remove it")


class BagNotWritten(SnnRosError):
    """The file system refused."""

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        super().__init__(f"{path}: cannot be written: {reason}")


class UnknownTopic(SnnRosError):
    """A topic that the recording does not hold."""

    def __init__(self, topics: Iterable[str], known: Iterable[str]) -> None:
        super().__init__(
            f"no topic {', '.join(topics)} in the recording; it has {', '.join(known)}"
        )


class UnknownType(SnnRosError):
    """A message type that nothing here defines."""

    def __init__(self, message_type: str) -> None:
        super().__init__(
            f"{message_type}: no definition in the recording or in the installed packages "
            "(AMENT_PREFIX_PATH)"
        )


class BadMessage(SnnRosError):
    """Bytes that are not a message of their type."""

    def __init__(self, message_type: str, reason: str) -> None:
        super().__init__(f"not a {message_type}: {reason}")


class ConversionError(SnnRosError):
    """A source folder or file that cannot be turned into a recording."""

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        super().__init__(f"{path}: {reason}")
