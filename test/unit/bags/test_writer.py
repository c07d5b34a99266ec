"""What was written opens, also after Ctrl-C and, but for its newest part, after a kill."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from mcap.reader import make_reader
from support.bags import QOS, RANGE, TYPES, recorded, write_mcap

from snn_ros.bags import BagReader, BagWriter
from snn_ros.bags.errors import BagExists, BagNotWritten, UnknownType


def test_metadata_is_as_rosbag2_writes_it(tmp_path):
    path = write_mcap(tmp_path / "bag")
    information = yaml.safe_load((path / "metadata.yaml").read_text())[
        "rosbag2_bagfile_information"
    ]
    assert information["version"] == 9
    assert information["storage_identifier"] == "mcap"
    assert information["relative_file_paths"] == ["bag.mcap"]
    assert information["message_count"] == len(recorded())
    topics = {t["topic_metadata"]["name"]: t for t in information["topics_with_message_count"]}
    assert topics.keys() == TYPES.keys()
    metadata = topics[RANGE]["topic_metadata"]
    assert metadata["type"] == TYPES[RANGE]
    assert metadata["serialization_format"] == "cdr"
    assert metadata["type_description_hash"].startswith("RIHS01_")
    (offer,) = metadata["offered_qos_profiles"]
    assert (offer["reliability"], offer["durability"]) == ("best_effort", "volatile")
    assert offer["deadline"] == {"sec": 9223372036, "nsec": 854775807}


def test_the_file_is_an_mcap_to_mcaps_own_library(tmp_path):
    path = write_mcap(tmp_path / "bag")
    with (path / "bag.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        messages = [(channel.topic, m.log_time) for _, channel, m in reader.iter_messages()]
        schemas = {s.name: s.encoding for s in reader.get_summary().schemas.values()}
    assert sorted(messages) == sorted((r.topic, r.stamp_ns) for r in recorded())
    assert schemas == dict.fromkeys(TYPES.values(), "ros2msg")


def test_compression_is_lossless_and_smaller(tmp_path):
    sizes = {}
    for compress in (False, True):
        path = tmp_path / f"bag_{compress}"
        with BagWriter(path, compress=compress) as writer:
            writer.add_topic("/string", "std_msgs/msg/String")
            for i in range(20):
                writer.write("/string", i, b"\0\1\0\0" + b"abcd" * 10_000)
        sizes[compress] = sum(file.stat().st_size for file in path.iterdir())
        with BagReader(path) as bag:
            assert {bytes(m.cdr) for m in bag.messages()} == {b"\0\1\0\0" + b"abcd" * 10_000}
    assert sizes[True] < sizes[False] / 10


def test_messages_need_not_come_in_order(tmp_path):
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/on", "std_msgs/msg/Bool")
        for stamp in (30, 10, 20):
            writer.write("/on", stamp, b"\0\1\0\0\1")
    with BagReader(tmp_path / "bag") as bag:
        assert [m.stamp_ns for m in bag.messages()] == [10, 20, 30]


def test_a_recording_is_never_overwritten(tmp_path):
    write_mcap(tmp_path / "bag")
    with pytest.raises(BagExists, match="bag: is there already"):
        BagWriter(tmp_path / "bag")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BagNotWritten, match="file/bag: cannot be written"):
        BagWriter(tmp_path / "file" / "bag")


def test_unknown_type(tmp_path):
    with (
        BagWriter(tmp_path / "bag") as writer,
        pytest.raises(UnknownType, match="their_msgs/msg/X"),
    ):
        writer.add_topic("/theirs", "their_msgs/msg/X", QOS[RANGE])


def test_an_error_inside_leaves_a_whole_recording(tmp_path):
    with pytest.raises(ZeroDivisionError), BagWriter(tmp_path / "bag") as writer:  # noqa: PT012
        writer.add_topic("/on", "std_msgs/msg/Bool")
        writer.write("/on", 1, b"\0\1\0\0\1")
        raise ZeroDivisionError
    with BagReader(tmp_path / "bag") as bag:
        assert bag.count == 1


WRITE_A_LOT = """
import sys
from snn_ros.bags import BagWriter

with BagWriter(sys.argv[1]) as bag, open(sys.argv[2], "w") as log:
    bag.add_topic("/text", "std_msgs/msg/String")
    for i in range(20_000):  # 400 MB, should nobody stop it
        bag.write("/text", i, b"\\0\\1\\0\\0" + b"x" * 20_000)
        log.write(f"{i}\\n")
        log.flush()
"""


def interrupt_writing(folder: Path, number: int, after: float) -> int:
    """Write in another process until a signal; how many writes had returned by then."""
    script, log = folder / "write.py", folder / "log"
    script.write_text(WRITE_A_LOT)
    process = subprocess.Popen([sys.executable, str(script), str(folder / "bag"), str(log)],
                               stderr=subprocess.PIPE)  # fmt: skip
    try:
        while not log.exists() or log.stat().st_size < 2000:
            time.sleep(0.01)
            assert process.poll() is None, process.communicate()[1]
        time.sleep(after)
        process.send_signal(number)
        process.communicate(timeout=20)
    finally:
        process.kill()
    return log.read_text().count("\n")


@pytest.mark.parametrize("after", [0.0, 0.013, 0.029])
def test_ctrl_c_while_writing(tmp_path, after):
    written = interrupt_writing(tmp_path, signal.SIGINT, after)
    with BagReader(tmp_path / "bag") as bag:
        stamps = [m.stamp_ns for m in bag.messages()]
        assert {len(m.cdr) for m in bag.messages()} == {20_004}
    assert stamps == list(range(len(stamps)))
    assert written <= len(stamps) <= written + 1


def test_kill_while_writing(tmp_path):
    written = interrupt_writing(tmp_path, signal.SIGKILL, 0.05)
    newest_mb = 2**20 // 20_000 + 1
    with BagReader(tmp_path / "bag", recover=True) as bag:
        stamps = [m.stamp_ns for m in bag.messages()]
        assert "ends early" in bag.warning
    assert stamps == list(range(len(stamps)))
    assert len(stamps) >= written - newest_mb


FILL_THE_DISK = """
import os, subprocess, sys
from snn_ros.bags import BagReader, BagWriter
from snn_ros.bags.errors import BagNotWritten

subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", sys.argv[1]], check=True)
path, tried = os.path.join(sys.argv[1], "bag"), 0
try:
    with BagWriter(path) as bag:
        bag.add_topic("/text", "std_msgs/msg/String")
        while True:
            tried += 1
            bag.write("/text", tried, b"\\0\\1\\0\\0" + b"x" * 300_000)
except BagNotWritten as err:
    print(err)
with BagReader(path) as bag:
    assert bag.warning == ""
    assert [m.stamp_ns for m in bag.messages()] == list(range(1, tried + 1))
    assert bag.count == tried > 10
assert sorted(os.listdir(path)) == ["bag.mcap", "metadata.yaml"]
"""


def test_a_full_disk_leaves_a_whole_recording(tmp_path):
    script = tmp_path / "fill.py"
    script.write_text(FILL_THE_DISK)
    own_mounts = ["unshare", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*own_mounts, "true"]).returncode:
        pytest.skip("this machine lets no one mount a small file system to fill")
    disk = tmp_path / "disk"
    disk.mkdir()
    ended = subprocess.run(
        [*own_mounts, sys.executable, str(script), str(disk)], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{disk}/bag: cannot be written: No space left on device\n"


def test_no_room_at_all_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(BagNotWritten, match="No space left"):
        BagWriter(tmp_path / "bag")
    assert not (tmp_path / "bag").exists()
