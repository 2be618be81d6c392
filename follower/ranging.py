"""Estimate how far away a blob is: from the depth image where it is plausible, else from the apparent height."""

import math
from dataclasses import dataclass

import numpy as np

from follower.geometry import SATURATED, Camera, pixels_at_centres
from follower.types import Detection, Range, RangeSource

MAX_HEIGHT_RATIO = 1.5  # to the target's height; where a silhouette would be taller, its depth is the background's
BODY_DEPTH = 1.0  # metres of depth that one person can occupy, seen from a quad above
NEAR_QUANTILE = 0.35  # of the depths in a silhouette, which is taken for a depth of the body
MIN_KNOWN_FRACTION = 0.25  # of the silhouette's depth pixels; fewer are not representative


@dataclass(frozen=True)
class Measurement:
    """Position and size of a blob in the world."""

    range: Range
    point: np.ndarray  # (3,) metres
    covariance: np.ndarray  # (3, 3) of the point's error, square metres
    area: float  # of the silhouette, square metres at its range
    implausible_size: bool = False  # too tall for a person at its measured depth; the range is then by height


def locate(
    detection: Detection, depth_image: np.ndarray | None, camera: Camera, target_height: float
) -> Measurement | None:
    """Return the blob's middle as a point in the world: on the ray through its centroid, at its range.

    Returns None when neither the depth image, (height, width) uint8 of any size, nor the apparent height gives a range.
    """
    measured, implausible_size = _measure_range(detection, depth_image, camera, target_height)
    if measured is None:
        return None
    pixel = np.asarray(detection.centroid)
    # Standard deviations along and across the ray, metres.
    if measured.source is RangeSource.DEPTH:
        # The step of an 8-bit depth, and the distance between a body's visible side and its middle.
        along = math.hypot(camera.depth_far / 255 / math.sqrt(12), 0.15)
    else:
        # An error of two pixels in the height, and a tenth for different postures.
        rows = detection.box[2] - detection.box[0]
        along = measured.metres * math.hypot(2 / rows, 0.1)
    across = 0.1 + measured.metres / camera.focal
    ray = camera.rotation @ camera.rays(pixel)
    length = np.linalg.norm(ray)  # of the ray per metre of planar depth
    direction = ray / length
    return Measurement(
        range=measured,
        point=camera.world_from_pixel(pixel, measured.metres),
        covariance=np.outer(direction, direction) * ((along * length) ** 2 - across**2) + np.eye(3) * across**2,
        area=detection.area * (measured.metres / camera.focal) ** 2,
        implausible_size=implausible_size,
    )


def _measure_range(
    detection: Detection, depth_image: np.ndarray | None, camera: Camera, target_height: float
) -> tuple[Range | None, bool]:
    """Return the range of a blob and whether it is implausibly tall at its measured depth.

    Depth is used unless it would make the person implausibly tall. A person that seems too short for its depth is half
    hidden, or cut off by the image's edge: then the apparent height overestimates the range, and the depth is right.
    """
    top, _, bottom, _ = detection.box
    # Boxes are half-open, in whole pixels; a pixel reaches half a pixel up and down from its centre. Where the image's
    # edge cuts the person, this range is too far.
    by_height = camera.depth_of_person(top - 0.5, bottom - 0.5, target_height)
    metres = _silhouette_depth(detection.mask, depth_image, camera)
    known = metres[~np.isnan(metres)]
    if known.size < max(1, MIN_KNOWN_FRACTION * metres.size):
        return None if by_height is None else Range(by_height, RangeSource.HEIGHT), False
    by_depth = _nearest_body(known, camera.depth_far)
    if by_height is not None and by_depth > MAX_HEIGHT_RATIO * by_height:
        return Range(by_height, RangeSource.HEIGHT), True
    return Range(by_depth, RangeSource.DEPTH), False


def _nearest_body(metres: np.ndarray, depth_far: float) -> float:
    """Return the median depth of the nearest body that a good part of the pixels (n,) belongs to.

    A silhouette segmented too large includes ground or walls behind the person, which easily outnumber a distant
    person's few pixels; what stands in front of the person gets into it less. So the nearer third locates the body.
    """
    near = float(np.quantile(metres, NEAR_QUANTILE, method="lower"))
    reach = max(BODY_DEPTH, 2 * depth_far / SATURATED)
    return float(np.median(metres[np.abs(metres - near) <= reach]))


def _silhouette_depth(mask: np.ndarray, depth_image: np.ndarray | None, camera: Camera) -> np.ndarray:
    """Return the depths (n,) of the depth pixels that the mask covers, metres; NaN where saturated.

    Mask and depth image have sizes of their own: every depth pixel takes the mask's value at its centre.
    """
    if depth_image is None:
        return np.empty(0)
    rows, columns = mask.shape
    height, width = depth_image.shape
    in_rows, in_columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    # The box of the mask in depth pixels; -(-a // b) is a / b rounded up.
    top, bottom = in_rows[0] * height // rows, -(-(in_rows[-1] + 1) * height // rows)
    left, right = in_columns[0] * width // columns, -(-(in_columns[-1] + 1) * width // columns)
    from_row = pixels_at_centres(np.arange(top, bottom), height, rows)
    from_column = pixels_at_centres(np.arange(left, right), width, columns)
    covered = mask[from_row[:, None], from_column]
    return camera.depth_metres(depth_image[top:bottom, left:right][covered])
