"""Foreign, truncated and damaged files: refused with a reason, never a traceback."""

import random
from pathlib import Path

import numpy as np
import pytest
from mcap.writer import Writer as McapWriter
from support.bags import (
    FORMATS,
    RANGE,
    recorded,
    write_mcap,
    write_mcap_file,
    write_rosbag1,
    write_sqlite,
)

from snn_ros.bags import BagReader
from snn_ros.bags.errors import BagUnreadable
from snn_ros.errors import SnnRosError


def read_all(path: Path, *, recover: bool = False) -> list[tuple[str, int, bytes]]:
    with BagReader(path, recover=recover) as bag:
        return [(m.topic, m.stamp_ns, bytes(m.cdr)) for m in bag.messages()]


def data_file(path: Path) -> Path:
    """The file with the messages of a recording."""
    if path.is_file():
        return path
    return next(f for f in path.iterdir() if f.suffix in (".mcap", ".db3"))


@pytest.fixture(params=FORMATS)
def bag_path(request, tmp_path) -> Path:
    return FORMATS[request.param](tmp_path / "bag")


@pytest.mark.parametrize("name", ["gone", "gone.mcap", "gone.bag", "gone.db3"])
@pytest.mark.parametrize("recover", [False, True])
def test_absent(tmp_path, name, recover):
    with pytest.raises(BagUnreadable, match=f"{name}: no such file or folder"):
        BagReader(tmp_path / name, recover=recover)


def test_neither_file_nor_folder_of_a_recording(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(BagUnreadable, match="not a recording"):
            BagReader(path)


@pytest.mark.parametrize("suffix", [".mcap", ".bag", ".db3"])
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(100), b"#ROSBAG V1.2\n" * 9])
def test_foreign(tmp_path, suffix, content):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(BagUnreadable, match=f"file{suffix}: foreign: does not begin as a {suffix}"):
        BagReader(path)


def test_mcap_of_other_software(tmp_path):
    path = tmp_path / "other.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile="x-other", library="")
        writer.finish()
    with pytest.raises(BagUnreadable, match="Profile is not ros2"):
        BagReader(path)


def test_unfinished_mcap_is_refused_with_what_to_do(tmp_path):
    path = write_mcap_file(tmp_path / "bag")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BagUnreadable, match=r"bag\.mcap: ends early.*snn-ros convert mcap"):
        BagReader(path)


def test_truncated_rosbag1(tmp_path):
    path = write_rosbag1(tmp_path / "bag")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BagUnreadable, match=r"bag\.bag: damaged or truncated: Bag index"):
        BagReader(path)


def test_sqlite_with_a_log_that_was_not_merged(tmp_path):
    path = data_file(write_sqlite(tmp_path / "bag"))
    path.with_name(f"{path.name}-wal").write_bytes(b"x")
    with pytest.raises(BagUnreadable, match="never finished"):
        BagReader(path)


def test_folder_whose_file_is_gone(tmp_path):
    path = write_mcap(tmp_path / "bag")
    data_file(path).rename(tmp_path / "elsewhere.mcap")
    with pytest.raises(BagUnreadable, match="bag: not a recording"):
        BagReader(path)


@pytest.mark.parametrize("text", ["", "[", "a: 1", "rosbag2_bagfile_information: 7", "\0"])
def test_damaged_metadata(tmp_path, text):
    path = write_mcap(tmp_path / "bag")
    (path / "metadata.yaml").write_text(text)
    with pytest.raises(BagUnreadable, match="bag: "):
        BagReader(path)


def test_no_permission(tmp_path, monkeypatch):
    path = write_mcap_file(tmp_path / "bag")

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BagUnreadable, match="no permission"):
        BagReader(path)


def test_truncation_anywhere(bag_path):
    """Cut at 40 places, a file is refused or what is read is a part of what was written."""
    whole = read_all(bag_path)
    file = data_file(bag_path)
    content = file.read_bytes()
    generator = random.Random(1)
    for _ in range(40):
        file.write_bytes(content[: generator.randrange(len(content))])
        try:
            found = read_all(bag_path)
        except SnnRosError:
            continue
        assert set(found) <= set(whole)


def test_an_mcap_cut_anywhere_gives_the_messages_before_the_cut(tmp_path):
    path = tmp_path / "bag.mcap"
    ends = []
    with path.open("wb") as file:
        writer = McapWriter(file, chunk_size=1)  # a chunk is written with every message
        writer.start(profile="ros2", library="")
        schema = writer.register_schema("std_msgs/msg/UInt8", "ros2msg", b"uint8 data")
        channel = writer.register_channel("/count", "cdr", schema)
        for i in range(10):
            writer.add_message(channel, i, bytes([0, 1, 0, 0, i]), i)
            ends.append(file.tell())
        writer.finish()
    whole = read_all(path)
    content = path.read_bytes()
    counts = set()
    for cut in range(0, len(content), 7):
        path.write_bytes(content[:cut])
        try:
            found = read_all(path, recover=True)
        except BagUnreadable:
            assert cut < ends[0]
            continue
        assert found == whole[: len(found)]
        assert len(found) >= sum(end <= cut for end in ends)
        counts.add(len(found))
    assert counts == set(range(1, 11))


def test_recovery_says_what_it_found(tmp_path):
    path = write_mcap_file(tmp_path / "bag")
    path.write_bytes(path.read_bytes()[:-9])  # the end of the footer
    with BagReader(path, recover=True) as bag:
        assert (
            bag.warning == f"{path}: ends early; {len(recorded())} whole messages were found in it"
        )
        assert bag.topics[RANGE].qos
        first, *_ = bag.messages([RANGE])
        assert bag.decode(first).range == 0.0


@pytest.mark.parametrize("recover", [False, True])
def test_flipped_bytes(bag_path, recover):
    """Bytes changed at random, most of them in what describes the messages."""
    file = data_file(bag_path)
    content = np.frombuffer(file.read_bytes(), np.uint8)
    generator = np.random.default_rng(2)
    for _ in range(60):
        damaged = content.copy()
        end = generator.choice([200, 2000, len(content)])
        places = generator.integers(0, min(end, len(content)), size=3)
        if generator.random() < 0.5:  # as far from the end instead
            places = len(content) - 1 - places
        damaged[places] = generator.integers(0, 256, size=3)
        file.write_bytes(damaged.tobytes())
        try:
            with BagReader(bag_path, recover=recover) as bag:
                for message in bag.messages():
                    bag.decode(message)
        except SnnRosError as err:
            assert str(err)


@pytest.mark.parametrize("suffix", [".mcap", ".bag", ".db3"])
def test_noise_behind_a_right_beginning(tmp_path, suffix):
    path = tmp_path / f"noise{suffix}"
    beginnings = {
        ".mcap": b"\x89MCAP0\r\n",
        ".bag": b"#ROSBAG V2.0\n",
        ".db3": b"SQLite format 3\0",
    }
    generator = random.Random(3)
    for _ in range(50):
        end = beginnings[suffix] if suffix == ".mcap" else b""
        path.write_bytes(beginnings[suffix] + generator.randbytes(generator.randrange(4000)) + end)
        with pytest.raises(BagUnreadable):
            read_all(path, recover=bool(generator.randrange(2)))
