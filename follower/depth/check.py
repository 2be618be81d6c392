"""Tell whether the depth image can be believed: people must stand out in it, at the range that their size suggests.

Depth images of other builds, or corrupted ones, show something, but not what the picture shows.
"""

import math

import numpy as np

from follower.detection import Blob, is_beside
from follower.geometry import SATURATED, Camera, pixels_at_centres
from follower.ranging import MAX_HEIGHT_RATIO, Measurement

MIN_AREA = 40.0  # pixels of a 256x256 image; the height of a smaller silhouette says little
MIN_RELIEF = 0.2  # of a silhouette that the depth image shows; measured: at least 0.3
CHANCE_RATIO = 1.15  # to the target's height, within which a depth that does not show the silhouette may still be right
MAX_GROUND_RATIO = 1.25  # of a person's ranges by contact with the ground and by height; measured: 0.98 to 1.19
MIN_VISIBLE = 0.6  # of the height of a half hidden person; lower, and hidden feet show in the contact with the ground
DECIDE_AFTER = 0.7  # seconds that contradictions must outweigh agreement, or the reverse
MAX_CREDIT = 1.5  # seconds of agreement that count

CONTRADICTION = (
    "the depth images contradict the pictures: people do not appear in them, or not at the range of their size; "
    "ranging by apparent size until they agree again"
)
OTHER_BUILD = '. If this is another build of QuadSim, set agent.depth_far to "auto"'


class DepthCheck:
    """Counts in seconds how long depth and picture have agreed or contradicted each other."""

    def __init__(self) -> None:
        self.trusted = True
        self._balance = 0.0  # seconds of agreement, less those of contradiction

    def update(self, agrees: bool | None, seconds: float) -> bool:
        """Count a frame that stands for some `seconds`, None if it says nothing; return whether trust was lost."""
        if agrees is None:
            return False
        before = self.trusted
        self._balance = min(max(self._balance + (seconds if agrees else -seconds), -DECIDE_AFTER), MAX_CREDIT)
        self.trusted = self._balance > -DECIDE_AFTER if before else self._balance >= 0
        return before and not self.trusted


def depth_agrees(
    blob: Blob,
    measurement: Measurement,
    depth_image: np.ndarray | None,
    others: np.ndarray,
    camera: Camera,
    target_height: float,
) -> bool | None:
    """Return whether the depth image, (height, width) uint8, agrees with a person's silhouette; None: cannot tell.

    Depth and size may differ without a fault: a red tree is too tall for its depth, a person behind a hedge too short.
    Both stand out in the depth image, and do not touch the ground where a person of that size would stand. Where other
    people, `others` (rows, columns) bool, are beside a silhouette, they may be in front of its feet.
    """
    box = blob.detection.box
    cut_off = box[0] <= 0 or box[2] >= camera.image_size[0]
    if depth_image is None or measurement.height_ratio is None or cut_off or blob.reference_area < MIN_AREA:
        return None
    least, most = measurement.height_ratio
    if most < 1 and is_beside(blob.detection.mask, others):
        return None
    if relief(blob.detection.mask, depth_image) < MIN_RELIEF:
        return None if least <= CHANCE_RATIO and most >= 1 / CHANCE_RATIO else False
    if least <= MAX_HEIGHT_RATIO and most >= 1 / MAX_HEIGHT_RATIO:
        return True
    half_hidden = MIN_VISIBLE <= most < 1
    return None if half_hidden or not _stands_on_ground(box, measurement, camera, target_height) else False


def relief(mask: np.ndarray, depth_image: np.ndarray) -> float:
    """Return how a silhouette stands out in the depth image: 1 if all beside it is farther, -1 if all is nearer.

    In each row of `mask`, (rows, columns) bool, its middle is compared with the pixels just left and right of it. Where
    the depth image does not show the silhouette at all, the differences cancel out.
    """
    size, shape = mask.shape, depth_image.shape
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = size[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    margin = max(2, size[1] // 128)  # silhouettes are segmented a pixel too wide
    columns = np.stack([(first + last) // 2, first - margin, last + margin])
    inside_image = (columns >= 0) & (columns < size[1])
    depths = depth_image[
        pixels_at_centres(rows, size[0], shape[0]),
        pixels_at_centres(np.where(inside_image, columns, 0), size[1], shape[1]),
    ].astype(int)
    middle, beside = depths[0], depths[1:]
    known = inside_image[1:] & (beside > 0) & (middle > 0) & (middle < SATURATED)
    return float(np.sign(beside - middle)[known].mean()) if known.any() else 0.0


def _stands_on_ground(
    box: tuple[float, float, float, float], measurement: Measurement, camera: Camera, target_height: float
) -> bool:
    """Return whether a person at the lower edge of `box`, on ground at height 0, is as far away as its height says."""
    foot = np.array([box[2] - 0.5, (box[1] + box[3]) / 2 - 0.5])
    down = -float(camera.rotation[2] @ camera.rays(foot))  # metres per metre of planar depth
    if down <= 0 or camera.pose.z <= 0 or measurement.by_height is None:
        return False
    # From the feet to the middle of the person, along the optical axis.
    by_ground = camera.pose.z / down + camera.rotation[2, 0] * target_height / 2
    return by_ground > 0 and abs(math.log(by_ground / measurement.by_height)) <= math.log(MAX_GROUND_RATIO)
