import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo

from snn_ros.ros.conversions.cameras import read_camera_info, write_camera_info
from snn_ros.ros.conversions.stamps import write_header
from snn_ros.ros.conversions.validation import BadEncoding, BadFrame, BadSize, BadValue

# KITTI's right colour camera, rectified: f = 721.5377 px, 0.5327 m right of the left one
FX, CX, CY = 721.5377, 609.5593, 172.854
P_RIGHT = [FX, 0.0, CX, -FX * 0.5327, 0.0, FX, CY, 0.0, 0.0, 0.0, 1.0, 0.0]


def info(**values):
    message = CameraInfo(
        header=write_header(3, "camera_right"),
        width=1242,
        height=375,
        distortion_model="plumb_bob",
        d=[-0.3, 0.1, 0.001, -0.002, 0.0],
        k=[FX, 0.0, CX, 0.0, FX, CY, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=P_RIGHT,
    )
    for name, value in values.items():
        target, _, field = name.rpartition("__")
        setattr(getattr(message, target) if target else message, field, value)
    return message


def test_a_calibration_reads_as_matrices_and_a_baseline():
    camera = read_camera_info(info())
    assert (camera.stamp_ns, camera.frame_id) == (3, "camera_right")
    assert (camera.width, camera.height) == (1242, 375)
    assert camera.K.tolist() == [[FX, 0, CX], [0, FX, CY], [0, 0, 1]]
    assert camera.D.tolist() == [-0.3, 0.1, 0.001, -0.002, 0.0]
    assert camera.baseline == pytest.approx(0.5327)


def test_the_baseline_is_where_a_point_at_infinity_and_a_near_one_disagree():
    camera = read_camera_info(info())
    depth = 10.0
    u, _, w = camera.P @ [0.0, 0.0, depth, 1.0]
    assert camera.baseline == pytest.approx((CX - u / w) * depth / FX)


def test_a_left_camera_has_no_baseline():
    left = [*P_RIGHT[:3], 0.0, *P_RIGHT[4:]]
    assert read_camera_info(info(p=left)).baseline == 0.0


def test_a_calibration_comes_back_bit_for_bit():
    message = info()
    again = write_camera_info(read_camera_info(message))
    assert again == message


@pytest.mark.parametrize(
    ("values", "error", "text"),
    [
        ({"header__frame_id": ""}, BadFrame, "header.frame_id"),
        ({"width": 0}, BadSize, "width: 0"),
        ({"height": 0}, BadSize, "height: 0"),
        ({"k": [0.0] * 9}, BadValue, "k\\[0,0\\]: .*not calibrated"),
        ({"k": [FX, 0, CX, 0, -FX, CY, 0, 0, 1]}, BadValue, "k\\[1,1\\]: .*721"),
        ({"k": [FX, 0, np.nan, 0, FX, CY, 0, 0, 1]}, BadValue, "k: .*not finite"),
        ({"k": [FX, 0, CX, 0, FX, CY, 0, 0, 0]}, BadValue, "k\\[2\\]: .*expected 0 0 1"),
        ({"p": [0.0] * 12}, BadValue, "p\\[0,0\\]"),
        ({"p": [np.inf] * 12}, BadValue, "p: .*not finite"),
        ({"r": [0.0] * 9}, BadValue, "r: .*no rotation"),
        ({"r": [1e200] * 9}, BadValue, "r: .*no rotation"),
        ({"r": [1, 0, 0, 0, 1, 0, 0, 0, -1]}, BadValue, "r: .*no rotation"),  # a mirror
        ({"d": [0.1, 0.2]}, BadSize, "d: 2: 'plumb_bob' has"),
        ({"d": [np.nan] * 5}, BadValue, "d: .*not finite"),
        ({"distortion_model": "magic"}, BadEncoding, "distortion_model: 'magic': known are"),
        ({"distortion_model": ""}, BadSize, "d: 5"),
        ({"binning_x": 2}, BadEncoding, "binning_x: 2"),
        ({"roi__width": 100, "roi__height": 100}, BadEncoding, "roi: \\(0, 0, 100, 100\\)"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused_by_name(values, error, text):
    with pytest.raises(error, match=text):
        read_camera_info(info(**values))


def test_no_binning_may_be_said_in_two_ways():
    message = info(binning_x=1, binning_y=1, roi__width=1242, roi__height=375)
    assert read_camera_info(message).width == 1242
