"""How far away a blob is: from the depth image where that can be believed, else from how tall the person looks."""

import math
from dataclasses import dataclass

import numpy as np

from follower.geometry import (
    SATURATED,
    Intrinsics,
    depth_metres,
    depth_of_person,
    pixels_at_centres,
    rays,
    rotation,
    world_from_pixel,
)
from follower.types import Detection, Pose, Range, RangeSource

LARGEST = 1.5  # times the hero's height: a silhouette that would be larger at its depth has the background's depth
BODY = 1.0  # metres of depth that one person can take up, seen from a quad above
NEARER = 0.35  # quantile of the depths that is taken for the body's own
MIN_SHARE = 0.25  # of the silhouette's depth pixels: fewer prove nothing


@dataclass(frozen=True)
class Measurement:
    """Where a blob is in the world, and how large."""

    range: Range
    point: np.ndarray  # (3,) metres
    covariance: np.ndarray  # (3, 3) of the point's error
    area: float  # of the silhouette, square metres at its range
    giant: bool = False  # at the depth that is known there it would be one: its range is by height, if it is a person


def locate(
    detection: Detection,
    depth_image: np.ndarray | None,
    image_size: tuple[int, int],
    camera: Pose,
    *,
    depth_far: float,
    vertical_fov: float,
    target_height: float,
) -> Measurement | None:
    """The blob's middle as a point in the world: the ray through its centroid, as far as its range.

    Args:
        detection: in pixels of the original frame.
        depth_image: (height, width) uint8 in any size, or None.
        image_size: (height, width) of the original frame.
        camera: pose of the camera that took both images.
        depth_far: metres that a depth of 255 stands for.
        vertical_fov: degrees.
        target_height: metres.

    None when neither depth nor apparent height gives a range.
    """
    intrinsics = Intrinsics.from_fov(*image_size, vertical_fov)
    found, giant = measure_range(detection, depth_image, image_size, intrinsics, camera, depth_far, target_height)
    if found is None:
        return None
    pixel = np.asarray(detection.centroid)
    point = world_from_pixel(pixel, found.metres, intrinsics, camera)
    if found.source is RangeSource.DEPTH:
        # The step of an 8-bit depth, and what the visible side of a body differs from its middle.
        along = math.hypot(depth_far / 255 / math.sqrt(12), 0.15)
    else:
        # Two pixels of height, and postures.
        tall = detection.box[2] - detection.box[0]
        along = found.metres * math.hypot(2 / tall, 0.1)
    across = 0.1 + found.metres / intrinsics.focal
    ray = rotation(camera) @ rays(pixel, intrinsics)
    length = np.linalg.norm(ray)  # of the ray for a metre of planar depth
    direction = ray / length
    spread = np.outer(direction, direction) * ((along * length) ** 2 - across**2) + np.eye(3) * across**2
    return Measurement(found, point, spread, detection.area * (found.metres / intrinsics.focal) ** 2, giant)


def measure_range(
    detection: Detection,
    depth_image: np.ndarray | None,
    image_size: tuple[int, int],
    intrinsics: Intrinsics,
    camera: Pose,
    depth_far: float,
    target_height: float,
) -> tuple[Range | None, bool]:
    """Planar depth of a blob, metres, where it comes from, and whether depth makes it a giant; as for `locate`.

    Depth is believed unless it would make the person a giant. A person who seems too small for it is half hidden, or
    cut off by the image's edge: then the height says too far, and the depth is right.
    """
    by_height = _range_from_height(detection, image_size, intrinsics, camera, target_height)
    metres = _silhouette_depth(detection.mask, depth_image, depth_far)
    known = metres[~np.isnan(metres)]
    if known.size < max(1, MIN_SHARE * metres.size):
        return None if by_height is None else Range(by_height, RangeSource.HEIGHT), False
    middle = _nearest_body(known, depth_far)
    if by_height is None:
        return Range(middle, RangeSource.DEPTH), False
    if middle > LARGEST * by_height:
        return Range(by_height, RangeSource.HEIGHT), True
    return Range(middle, RangeSource.DEPTH), False


def _nearest_body(metres: np.ndarray, far: float) -> float:
    """Median depth of the nearest body that a good part of the pixels (n,) belongs to.

    A silhouette drawn too large takes in ground or walls behind the person, and of a far person's few pixels easily
    most; what stands before the person gets into it less. So the nearer third says where the body is.
    """
    near = float(np.quantile(metres, NEARER, method="lower"))
    reach = max(BODY, 2 * far / SATURATED)
    return float(np.median(metres[np.abs(metres - near) <= reach]))


def _range_from_height(
    detection: Detection, image_size: tuple[int, int], intrinsics: Intrinsics, camera: Pose, target_height: float
) -> float | None:
    """Range at which a whole person would be as tall as the box; too far when the image's edge cuts the person."""
    top, _, bottom, _ = detection.box
    # Boxes are half-open, in whole pixels; a pixel reaches half a pixel up and down from its centre.
    return depth_of_person(top - 0.5, bottom - 0.5, target_height, intrinsics, camera)


def _silhouette_depth(mask: np.ndarray, depth_image: np.ndarray | None, far: float) -> np.ndarray:
    """(n,) metres of the depth pixels that the mask covers, NaN where saturated.

    Mask and depth image show the same view at sizes of their own: every depth pixel takes the mask's value at its
    centre.
    """
    if depth_image is None:
        return np.empty(0)
    rows, columns = mask.shape
    height, width = depth_image.shape
    in_rows, in_columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom = in_rows[0] * height // rows, -(-(in_rows[-1] + 1) * height // rows)
    left, right = in_columns[0] * width // columns, -(-(in_columns[-1] + 1) * width // columns)
    from_row = pixels_at_centres(np.arange(top, bottom), height, rows)
    from_column = pixels_at_centres(np.arange(left, right), width, columns)
    covered = mask[from_row[:, None], from_column]
    return depth_metres(depth_image[top:bottom, left:right][covered], far)
