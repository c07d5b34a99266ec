"""Data sets of a few frames, made up in the layout of the real ones."""

import json
from pathlib import Path

import cv2
import numpy as np

FOCAL, CENTRE_X, CENTRE_Y = 100.0, 16.0, 8.0
WIDTH, HEIGHT = 32, 16
LEFT_OFFSET, RIGHT_OFFSET = 0.06, -0.47  # m: camera 2 and 3 see points of camera 0 so far right
BASELINE = LEFT_OFFSET - RIGHT_OFFSET
# From LiDAR axes (x forward, y left, z up) to optical ones, 0.08 m below and 0.27 m in front.
LIDAR_TO_CAMERA = np.array([[0, -1, 0, 0.0], [0, 0, -1, -0.08], [1, 0, 0, -0.27]])


def projection(offset: float) -> np.ndarray:
    return np.array(
        [[FOCAL, 0, CENTRE_X, FOCAL * offset], [0, FOCAL, CENTRE_Y, 0], [0, 0, 1, 0]], dtype=float
    )


def line(name: str, values: np.ndarray) -> str:
    return f"{name}: " + " ".join(f"{value:.12e}" for value in np.ravel(values)) + "\n"


def projections(name: str = "P{}") -> str:
    offsets = (0.0, -0.54, LEFT_OFFSET, RIGHT_OFFSET)
    return "".join(line(name.format(n), projection(x)) for n, x in enumerate(offsets))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_scan(path: Path, points: int = 5) -> np.ndarray:
    rows = np.arange(points * 4, dtype="<f4").reshape(points, 4)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.tofile(path)
    return rows


def write_picture(path: Path, value: int = 0, *, colour: bool = True) -> np.ndarray:
    shape = (HEIGHT, WIDTH, 3) if colour else (HEIGHT, WIDTH)
    pixels = (np.arange(np.prod(shape)).reshape(shape) + value).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)
    return pixels


def kitti_object(folder: Path) -> Path:
    """Two frames with a car 10 m ahead and 2 m right of the camera, pointing right."""
    for i in range(2):
        name = f"{i:06}"
        write_scan(folder / "velodyne" / f"{name}.bin")
        write_picture(folder / "image_2" / f"{name}.png", i)
        write(
            folder / "calib" / f"{name}.txt",
            projections()
            + line("R0_rect", np.eye(3))
            + line("Tr_velo_to_cam", LIDAR_TO_CAMERA)
            + line("Tr_imu_to_velo", np.eye(4)[:3]),
        )
        write(
            folder / "label_2" / f"{name}.txt",
            "Car 0.00 0 0.1 1 2 3 4 1.50 1.60 3.90 2.00 1.65 10.00 0.00\n"
            "DontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10\n",
        )
    return folder


def kitti_odometry(folder: Path, frames: int = 3) -> Path:
    """Stereo and LiDAR of a vehicle that drives 1 m ahead and turns 0.1 rad right per frame."""
    write(folder / "calib.txt", projections() + line("Tr", LIDAR_TO_CAMERA))
    write(folder / "times.txt", "".join(f"{0.1 * i:.6e}\n" for i in range(frames)))
    poses = []
    for i in range(frames):
        angle = 0.1 * i  # about the camera's y axis, which points down
        cosine, sine = np.cos(angle), np.sin(angle)
        poses.append([cosine, 0, sine, 0, 0, 1, 0, 0, -sine, 0, cosine, i])
        write_scan(folder / "velodyne" / f"{i:06}.bin")
        for camera in (2, 3):
            write_picture(folder / f"image_{camera}" / f"{i:06}.png", camera + i)
    np.savetxt(folder / "poses.txt", poses)
    return folder


def kitti_raw(day: Path, frames: int = 3) -> Path:
    """A drive to the north, at about 1.1 m per frame, camera 2 and LiDAR 5 ms after oxts."""
    write(day / "calib_cam_to_cam.txt", "calib_time: 09-Jan-2012 13:57:47\n"
          + projections("P_rect_0{}") + line("R_rect_00", np.eye(3)))  # fmt: skip
    for name, transform in (("velo_to_cam", LIDAR_TO_CAMERA), ("imu_to_velo", np.eye(4)[:3])):
        write(day / f"calib_{name}.txt", line("R", transform[:, :3]) + line("T", transform[:, 3]))
    drive = day / "2011_09_26_drive_0001_sync"
    for i in range(frames):
        write_scan(drive / "velodyne_points" / "data" / f"{i:010}.bin")
        write_picture(drive / "image_02" / "data" / f"{i:010}.png", i)
        oxts = np.zeros(30)
        oxts[:6] = 49.0 + 1e-5 * i, 8.4, 112.0, 0.0, 0.0, np.pi / 2
        oxts[8:11] = 11.0, 0.0, 0.0
        oxts[17:20] = 0.0, 0.0, 0.2
        write(drive / "oxts" / "data" / f"{i:010}.txt", " ".join(map(str, oxts)))
    for sensor, offset in (("oxts", 0), ("velodyne_points", 5), ("image_02", 5)):
        lines = [f"2011-09-26 13:02:25.{100 * i + offset:03}000001\n" for i in range(frames)]
        write(drive / sensor / "timestamps.txt", "".join(lines))
    return drive


def nuscenes(folder: Path) -> Path:
    """One sample with two cameras and two boxes, one of no category."""
    rows = np.arange(15, dtype="<f4").reshape(3, 5)
    folder.mkdir()
    rows.tofile(folder / "lidar.bin")
    forward = [[0, 0, 1, 1.7], [-1, 0, 0, 0.0], [0, -1, 0, 1.5], [0, 0, 0, 1]]
    cameras = {}
    for i, name in enumerate(("CAM_FRONT", "CAM_BACK")):
        write_picture(folder / f"{name}.png", i)
        cameras[name] = {
            "img_path": f"{name}.png",
            "cam2img": projection(0.0)[:, :3].tolist(),
            "cam2ego": forward,
            "timestamp": 1532402927.612460 + i,
        }
    box = {"bbox_3d": [5.0, 1.0, -0.5, 4.0, 2.0, 1.5, 0.3], "bbox_label_3d": 0}
    sample = {
        "timestamp": 1532402927.647951,
        "ego2global": [[0, -1, 0, 411.0], [1, 0, 0, 1180.0], [0, 0, 1, 0.0], [0, 0, 0, 1]],
        "images": cameras,
        "lidar_points": {"lidar_path": "lidar.bin", "lidar2ego": np.eye(4).tolist()},
        "instances": [box, box | {"bbox_label_3d": -1}],
    }
    information = {"metainfo": {"categories": {"car": 0}}, "data_list": [sample]}
    write(folder / "info.json", json.dumps(information))
    return folder


BLIMP_HEADER = "time,x,y,z,phi,theta,psi,vx,z_ref"


def blimp_flight(path: Path, *rows: str) -> Path:
    default = [
        "0.025,1.0,2.0,-0.9,0.0,0.0,0.3,0.0,-1.2",
        "0.05,1.0,2.0,-0.9,0.0,0.0,0.3,0.0,-1.2",
        "0.1,1.5,2.5,-1.0,0.1,0.2,0.4,0.0,-1.3",
    ]
    return write(path, "\n".join([BLIMP_HEADER, *(rows or default)]) + "\n")
