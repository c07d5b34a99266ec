"""``snn-ros simulate``: what it writes opens, is the same again, and survives being stopped."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader

from snn_ros.bags import BagReader
from snn_ros.cli import main
from snn_ros.simulation.render import Renderer, RendererError
from snn_ros.simulation.sensors.lidar import POINT_TYPE

PERIODS = 5
SMALL = ["duration=0.5", "sensors.lidar=vlp_16", "sensors.lidar_columns=300"]
CAMERAS = ["sensors.cameras=stereo", "sensors.stereo_width=128"]


def words(bag: Path, *settings: str) -> list[str]:
    changes = [word for setting in (*SMALL, *settings) for word in ("--set", setting)]
    return ["simulate", "street_quick", "--bag", str(bag), *changes]


def in_a_process(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "snn_ros.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def cameras() -> list[str]:
    """Settings for cameras, where there is a renderer."""
    import mujoco

    try:
        Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), width=8, height=8).close()
    except RendererError:
        return []
    return CAMERAS


def truth(cameras: list[str]) -> list[str]:
    return ["sensors.truth_images=[depth, semantic, disparity]"] if cameras else []


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory, cameras: list[str]) -> Path:
    folder = tmp_path_factory.mktemp("simulate") / "bag"
    assert main(words(folder, *cameras, *truth(cameras))) == 0
    return folder


def test_other_tools_open_it_and_find_the_same(bag: Path) -> None:
    with BagReader(bag) as reader:
        counts = {name: topic.count for name, topic in reader.topics.items()}
    with Reader(bag) as reader:
        assert {c.topic: c.msgcount for c in reader.connections} == counts
    with (bag / "bag.mcap").open("rb") as file:
        found = Counter(channel.topic for _, channel, _ in make_reader(file).iter_messages())
    assert found == {name: count for name, count in counts.items() if count}


def test_every_period_has_every_message(bag: Path) -> None:
    with BagReader(bag) as reader:
        counts = {name: topic.count for name, topic in reader.topics.items()}
    once = {"/tf_static", "/route"}
    fast = {"/odometry": 5, "/wheels": 5, "/imu": 10, "/tf": 6}
    assert counts.pop("/ground_truth/collision") == 0
    for name, count in counts.items():
        assert count == (1 if name in once else PERIODS * fast.get(name, 1)), name


def test_messages_lie_in_the_order_of_time_and_the_clock_comes_last(bag: Path) -> None:
    with BagReader(bag) as reader:
        in_file = [(m.stamp_ns, m.topic) for m in reader.messages()]
    assert [stamp for stamp, _ in in_file] == sorted(stamp for stamp, _ in in_file)
    ends = [in_file[i + 1 :] for i, (_, topic) in enumerate(in_file) if topic == "/clock"]
    assert len(ends) == PERIODS
    assert ends[-1] == []


def test_what_belongs_together_has_one_stamp(bag: Path, cameras: list[str]) -> None:
    with BagReader(bag) as reader:
        stamps: dict[str, list[int]] = {}
        for message in reader.messages():
            if message.topic not in ("/tf", "/tf_static", "/clock"):
                header = reader.decode(message).header.stamp
                stamps.setdefault(message.topic, []).append(header.sec * 10**9 + header.nanosec)
    periods = [round(0.1e9 * (i + 1)) for i in range(PERIODS)]
    assert stamps["/lidar/points"] == stamps["/ground_truth/objects"] == periods
    assert stamps["/imu"] == [round(0.01e9 * (i + 1)) for i in range(10 * PERIODS)]
    for side in ("left", "right") if cameras else ():
        assert stamps[f"/stereo/{side}/image"] == stamps[f"/stereo/{side}/camera_info"] == periods


def test_labels_count_the_points_of_the_cloud(bag: Path) -> None:
    """Recounted from the messages alone, through the static transform."""
    with BagReader(bag) as reader:
        decoded = {m.topic: reader.decode(m) for m in reader.messages()}
    lidar = next(t for t in decoded["/tf_static"].transforms if t.child_frame_id == "lidar")
    offset = lidar.transform.translation
    points = np.frombuffer(decoded["/lidar/points"].data, POINT_TYPE)
    x, y, z = (points[axis].astype(float) for axis in "xyz")
    counted = []
    for truth in decoded["/ground_truth/objects"].objects:
        cx, cy, cz, length, width, height, yaw = truth.box
        dx, dy, dz = x + offset.x - cx, y + offset.y - cy, z + offset.z - cz
        along, across = dx * np.cos(yaw) + dy * np.sin(yaw), dy * np.cos(yaw) - dx * np.sin(yaw)
        inside = (abs(along) <= length / 2) & (abs(across) <= width / 2) & (abs(dz) <= height / 2)
        counted.append(np.count_nonzero(inside))
    counts = [truth.lidar_points for truth in decoded["/ground_truth/objects"].objects]
    np.testing.assert_allclose(counts, counted, atol=1)  # float32 on a face may fall either way
    assert max(counts) > 10


def test_the_contact_sheet_is_a_picture(bag: Path) -> None:
    sheet = cv2.imread(str(bag / "contact_sheet.png"))
    assert sheet.shape[1] == 1440
    assert sheet.std() > 20.0


def test_another_process_makes_the_same_bytes(
    tmp_path: Path, bag: Path, cameras: list[str]
) -> None:
    run = in_a_process(*words(tmp_path / "bag", *cameras, *truth(cameras)))
    assert run.wait() == 0, run.communicate()[1]
    assert (tmp_path / "bag" / "bag.mcap").read_bytes() == (bag / "bag.mcap").read_bytes()


def test_another_seed_gives_other_messages(tmp_path: Path, bag: Path) -> None:
    assert main(words(tmp_path / "bag", "seed=99")) == 0
    with BagReader(bag) as one, BagReader(tmp_path / "bag") as other:
        assert list(one.messages(["/imu"])) != list(other.messages(["/imu"]))


def test_ctrl_c_leaves_a_recording_that_opens(tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    process = in_a_process(*words(bag, "duration=600"))
    deadline = time.monotonic() + 30.0
    while not (bag / "bag.mcap").exists() or (bag / "bag.mcap").stat().st_size < 2**20:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "stopped early" in output
    assert "Traceback" not in errors
    with BagReader(bag) as reader:
        assert reader.warning == ""
        assert reader.count == sum(1 for _ in reader.messages()) > 100
    assert (bag / "contact_sheet.png").exists()


def test_a_flight_is_recorded_with_its_controller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--set", "duration=32"]
    bag = tmp_path / "bag"
    assert main(["simulate", "blimp_gust", "--bag", str(bag), *short, "--json", "-"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["rmse_m"] < 0.3
    assert figures["topics"]["/blimp/range"] == figures["topics"]["/blimp/applied_command"] == 320
    assert cv2.imread(str(bag / "contact_sheet.png")).std() > 10.0
    with BagReader(bag) as reader:
        in_file = [(m.topic, reader.decode(m)) for m in reader.messages()]
    altitude = [m.pose.pose.position.z for t, m in in_file if t == "/blimp/ground_truth/odometry"]
    thrust = [m.thrust_left for t, m in in_file if t == "/blimp/applied_command"]
    assert max(altitude) - min(altitude) > 0.05
    assert max(thrust) > 0.0


def test_figures_alone_on_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words(tmp_path / "bag"), "--json", "-"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["simulated_s"] == pytest.approx(0.5)
    assert figures["topics"]["/lidar/points"] == PERIODS
    assert figures["collisions"] == []


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("duration: 3.0\nspeeed: 3\n", "speeed: unknown"),
        (
            "duration: 3.0\nego: {lane: 0, position: 20.0}\nactors: [{lane: 0, position: 21.0}]\n",
            "actors[0]: stands in ego at the start",
        ),
        ("duration: 3.0\nperiod: 0.07\n", "period = 0.07: a sweep of hdl_64e takes 1.43 periods"),
        (
            "duration: 3.0\nsensors: {truth_images: [depth]}\n",
            "sensors.truth_images = ('depth',): there are no cameras",
        ),
    ],
)
def test_impossible_scenarios_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scenario: str, reason: str
) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(scenario)
    assert main(["simulate", str(file), "--bag", str(tmp_path / "bag")]) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "bag").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["street_quick", "--live", "--set", "seed=2"], "put the settings into a scenario file"),
        (["street_quick", "--export", "waymo", "x"], "--export waymo: must be kitti or gazebo"),
        (["blimp_quick", "--export", "kitti", "x"], "blimp_quick is a flight, not a drive"),
    ],
)
def test_calls_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert main(["simulate", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_a_world_for_gazebo(tmp_path: Path) -> None:
    file = tmp_path / "world.sdf"
    assert main(["simulate", "street_quick", "--export", "gazebo", str(file)]) == 0
    # the name of the file is one that SDF keeps to itself
    assert '<world name="snn_ros_world">' in file.read_text()


def test_a_folder_for_kittis_tools(tmp_path: Path) -> None:
    folder = tmp_path / "kitti"
    changes = [word for setting in SMALL for word in ("--set", setting)]
    call = ["simulate", "street_quick", "--export", "kitti", str(folder), *changes]
    assert main(call) == 0
    assert len(list((folder / "training" / "velodyne").iterdir())) == PERIODS
    assert (folder / "contact_sheet.png").exists()


def test_the_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["simulate", "--list"])
    assert "street_urban_day                 an urban street by day" in capsys.readouterr().out
