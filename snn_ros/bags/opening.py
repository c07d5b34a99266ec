"""Find out what kind of recording a path is, and refuse what is none with a clear reason."""

from __future__ import annotations

from pathlib import Path

from snn_ros.bags.errors import BagUnreadable
from snn_ros.bags.recovery import UnfinishedMcap
from snn_ros.bags.storage import Rosbag1, Rosbag2, Storage, refusing

# The first bytes of each kind of file, by its suffix.
_MAGIC = {".bag": b"#ROSBAG V2.0\n", ".db3": b"SQLite format 3\0", ".mcap": b"\x89MCAP0\r\n"}


def open_storage(path: Path, *, recover: bool) -> Storage:
    """Open a recording of whatever kind it is.

    Args:
        path: folder or file.
        recover: read an MCAP file that ends early or whose index is damaged as far as it goes.

    Raises:
        BagUnreadable: it is absent, foreign, truncated or damaged.
    """
    try:
        with refusing(path):
            return _open_whole(path)
    except BagUnreadable:
        files = _storage_files(path)
        if not (recover and len(files) == 1 and files[0].suffix == ".mcap"):
            raise
        with refusing(files[0]):
            return UnfinishedMcap(files[0])


def _open_whole(path: Path) -> Storage:
    if not path.exists():
        raise BagUnreadable(path, "no such file or folder")
    files = _storage_files(path)
    if not files:
        raise BagUnreadable(path, "not a recording: neither .mcap, .db3 nor .bag")
    for file in files:
        _check_file(file)
    if files[0].suffix == ".bag":
        return Rosbag1(path)
    if path.is_file() or (path / "metadata.yaml").exists():
        return Rosbag2(path)
    if len(files) > 1:
        raise BagUnreadable(path, "no metadata.yaml for its files; make one: ros2 bag reindex")
    return Rosbag2(files[0])


def _storage_files(path: Path) -> list[Path]:
    """The files of a recording that hold messages."""
    if path.is_dir():
        # .mcap.zstd and .db3.zstd are what rosbag2 compresses as a whole.
        return sorted(f for f in path.iterdir() if f.suffix in (".mcap", ".db3", ".zstd"))
    return [path] if path.is_file() and path.suffix in _MAGIC else []


def _check_file(file: Path) -> None:
    """Refuse with a clear reason what the parsers would refuse with an obscure one."""
    magic = _MAGIC.get(file.suffix)
    if magic is None:
        return
    with file.open("rb") as stream:
        if stream.read(len(magic)) != magic:
            raise BagUnreadable(file, f"foreign: does not begin as a {file.suffix} file does")
        stream.seek(-len(magic), 2)
        if file.suffix == ".mcap" and stream.read() != magic:
            raise BagUnreadable(
                file,
                "ends early: truncated, or its recording was never finished; save what is there "
                "with: snn-ros convert mcap IN OUT",
            )
    log = file.with_name(f"{file.name}-wal")
    if file.suffix == ".db3" and log.exists() and log.stat().st_size:
        raise BagUnreadable(file, f"its recording was never finished: {log.name} is beside it")
