"""Estimate how far away a blob is: from the depth image where it is plausible, else from the apparent height."""

import math
from dataclasses import dataclass

import numpy as np

from follower.geometry import SATURATED, Camera, part_at_centres
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
    height_ratio: tuple[float, float] | None  # least and greatest height to a person's, by the depth; None without one
    by_height: float | None  # range that the apparent height gives, metres

    @property
    def point_by_depth(self) -> np.ndarray | None:
        """The point, (3,) metres, if the depth image gave the range."""
        return self.point if self.range.source is RangeSource.DEPTH else None

    @property
    def too_tall(self) -> bool:
        """Whether it is too tall for a person at its depth; then the range is by height."""
        return self.height_ratio is not None and self.height_ratio[0] > MAX_HEIGHT_RATIO


def locate(
    detection: Detection, depth_image: np.ndarray | None, camera: Camera, target_height: float
) -> Measurement | None:
    """Return the blob's middle as a point in the world: on the ray through its centroid, at its range.

    Depth gives the range unless the person would be implausibly tall. A person that seems too short for its depth is
    half hidden, or cut off by the image's edge: then the apparent height overestimates the range, and the depth is
    right. Returns None when neither the depth image, (height, width) uint8 of any size, nor the apparent height gives a
    range.
    """
    top, _, bottom, _ = detection.box
    # Boxes are half-open, in whole pixels; a pixel reaches half a pixel up and down from its centre. Where the image's
    # edge cuts the person, this range is too far.
    by_height = camera.depth_of_person(top - 0.5, bottom - 0.5, target_height)
    by_depth = _range_by_depth(detection, depth_image, camera)
    ratio = None
    if by_height is not None and by_depth is not None:
        rounding = camera.depth_far / SATURATED / 2
        ratio = (by_depth - rounding) / by_height, (by_depth + rounding) / by_height
    if by_depth is not None and (ratio is None or ratio[0] <= MAX_HEIGHT_RATIO):
        source, metres = RangeSource.DEPTH, by_depth
        # The step of an 8-bit depth, and the distance between a body's visible side and its middle.
        along = math.hypot(camera.depth_far / 255 / math.sqrt(12), 0.15)
    elif by_height is not None:
        source, metres = RangeSource.HEIGHT, by_height
        # An error of two pixels in the height, and a tenth for different postures.
        along = metres * math.hypot(2 / (bottom - top), 0.1)
    else:
        return None
    pixel = np.asarray(detection.centroid)
    across = 0.1 + metres / camera.focal  # standard deviation across the ray, metres, as `along` is along it
    ray = camera.rotation @ camera.rays(pixel)
    length = np.linalg.norm(ray)  # of the ray per metre of planar depth
    direction = ray / length
    return Measurement(
        range=Range(metres, source),
        point=camera.world_from_pixel(pixel, metres),
        covariance=np.outer(direction, direction) * ((along * length) ** 2 - across**2) + np.eye(3) * across**2,
        area=detection.area * (metres / camera.focal) ** 2,
        height_ratio=ratio,
        by_height=by_height,
    )


def _range_by_depth(detection: Detection, depth_image: np.ndarray | None, camera: Camera) -> float | None:
    """Return the range of the nearest body in a silhouette, metres; None where too little of its depth is known."""
    metres = _silhouette_depth(detection.mask, depth_image, camera)
    known = metres[~np.isnan(metres)]
    if known.size < max(1, MIN_KNOWN_FRACTION * metres.size):
        return None
    return _nearest_body(known, camera.depth_far)


def _nearest_body(metres: np.ndarray, depth_far: float) -> float:
    """Return the median depth of the nearest body that a good part of the pixels (n,) belongs to.

    A silhouette segmented too large includes ground or walls behind the person, which easily outnumber a distant
    person's few pixels; what stands in front of the person gets into it less. So the nearer third locates the body.
    """
    rank = int(NEAR_QUANTILE * (metres.size - 1))
    near = float(np.partition(metres, rank)[rank])
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
    covered = part_at_centres(mask, slice(top, bottom), slice(left, right), depth_image.shape)
    return camera.depth_metres(depth_image[top:bottom, left:right][covered])
