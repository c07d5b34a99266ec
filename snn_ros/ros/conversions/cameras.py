"""sensor_msgs/CameraInfo and a camera's intrinsics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo

from snn_ros.ros.conversions.stamps import read_header, write_header
from snn_ros.ros.conversions.validation import BadEncoding, BadSize, BadValue, finite

_COEFFICIENTS = {
    "": (0,),
    "plumb_bob": (0, 4, 5),
    "rational_polynomial": (0, 8, 12, 14),
    "equidistant": (0, 4),
}
_ROTATION_TOLERANCE = 1e-3  # of the entries of R R^T - I: calibration files are rounded


@dataclass(frozen=True, eq=False)
class Intrinsics:
    """A calibrated camera, by the conventions of sensor_msgs/CameraInfo.

    The optical frame has z forward, x right, y down. Pixels are of the full image.
    """

    stamp_ns: int
    frame_id: str
    width: int
    height: int
    K: NDArray[np.float64]
    """(3, 3) of the image as taken, pixels."""
    D: NDArray[np.float64]
    """Distortion coefficients, as many as the model has; empty for none."""
    distortion_model: str
    """plumb_bob, rational_polynomial, equidistant, or empty for none."""
    R: NDArray[np.float64]
    """(3, 3) rotation of the rectification."""
    P: NDArray[np.float64]
    """(3, 4) of the rectified image: pixels of points in the left (or only) camera's frame."""

    @property
    def baseline(self) -> float:
        """Metres this camera is to the right of the left one: -P[0, 3] / P[0, 0]; 0 if it is it."""
        return float(-self.P[0, 3] / self.P[0, 0]) + 0.0


def read_camera_info(message: CameraInfo) -> Intrinsics:
    """The intrinsics of a calibrated camera.

    Raises:
        BadStamp, BadFrame: see read_header.
        BadSize: no pixels, or a wrong number of coefficients.
        BadEncoding: an unknown distortion model, binning or a region of interest: its matrices
            would not be those of the image at hand.
        BadValue: not finite, no focal length (not calibrated), or R no rotation.
    """
    stamp_ns, frame_id = read_header(message.header)
    for field in ("height", "width"):
        if getattr(message, field) < 1:
            raise BadSize(field, getattr(message, field), "expected at least 1")
    _check_full_image(message)
    model = message.distortion_model
    if model not in _COEFFICIENTS:
        known = ", ".join(filter(None, _COEFFICIENTS))
        raise BadEncoding("distortion_model", model, f"known are {known}")
    if len(message.d) not in _COEFFICIENTS[model]:
        raise BadSize("d", len(message.d), f"{model!r} has {_COEFFICIENTS[model]} coefficients")
    return Intrinsics(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        width=message.width,
        height=message.height,
        K=_camera_matrix("k", message.k, (3, 3)),
        D=finite("d", message.d, (len(message.d),)),
        distortion_model=model,
        R=_rotation("r", message.r),
        P=_camera_matrix("p", message.p, (3, 4)),
    )


def write_camera_info(intrinsics: Intrinsics) -> CameraInfo:
    """The message of a camera, every number bit for bit."""
    return CameraInfo(
        header=write_header(intrinsics.stamp_ns, intrinsics.frame_id),
        width=intrinsics.width,
        height=intrinsics.height,
        distortion_model=intrinsics.distortion_model,
        d=intrinsics.D.tolist(),
        k=intrinsics.K.ravel(),
        r=intrinsics.R.ravel(),
        p=intrinsics.P.ravel(),
    )


def _check_full_image(message: CameraInfo) -> None:
    for field in ("binning_x", "binning_y"):
        if getattr(message, field) > 1:
            raise BadEncoding(field, getattr(message, field), "binning is not supported")
    roi = message.roi
    region = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    if region not in ((0, 0, 0, 0), (0, 0, message.width, message.height)):
        raise BadEncoding("roi", region, "a region of interest is not supported")


def _camera_matrix(
    field: str, values: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    matrix = finite(field, values, shape)
    for i in (0, 1):
        if matrix[i, i] <= 0:
            raise BadValue(f"{field}[{i},{i}]", matrix[i, i], "no focal length; not calibrated?")
    if not np.array_equal(matrix[2, :3], (0, 0, 1)):
        raise BadValue(f"{field}[2]", matrix[2].tolist(), "expected 0 0 1")
    return matrix


def _rotation(field: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = finite(field, values, (3, 3))
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(matrix @ matrix.T - np.eye(3)).max()
    if not error <= _ROTATION_TOLERANCE or np.linalg.det(matrix) < 0:
        raise BadValue(field, matrix.ravel().tolist(), "no rotation")
    return matrix
