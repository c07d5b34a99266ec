"""Labels of objects at chosen places, for cases computed by hand."""

from dataclasses import replace

from snn_ros.kitti.labels import KittiLabel


def label(
    x: float = 0.0,
    z: float = 20.0,
    *,
    class_name: str = "Car",
    height: float = 50.0,
    left: float = 100.0,
    truncation: float = 0.0,
    occlusion: int = 0,
    score: float | None = None,
) -> KittiLabel:
    """A car 4 m long across the road, 100 pixels wide."""
    return KittiLabel(
        class_name=class_name,
        truncation=truncation,
        occlusion=occlusion,
        image_box=(left, 100.0, left + 100.0, 100.0 + height),
        size=(1.5, 2.0, 4.0),
        location=(x, 1.7, z),
        rotation_y=0.0,
        score=score,
    )


def found(of: KittiLabel, score: float, **changes: object) -> KittiLabel:
    """The same as a detection."""
    return replace(of, score=score, **changes)
