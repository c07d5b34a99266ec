"""Room that is kept free, so that what was written can be finished on a full disk."""

from __future__ import annotations

import os
from pathlib import Path

_RESERVE = 16 << 20  # bytes: a chunk of a recording, its largest message and its index fit in


def reserve_space(folder: Path) -> Path:
    """A new file in a folder that only takes up room; remove it when the room is needed.

    Raises:
        OSError: there is no room, or a reserve already.
    """
    path = folder / ".reserve"
    with path.open("xb") as file:
        os.posix_fallocate(file.fileno(), 0, _RESERVE)
    return path
