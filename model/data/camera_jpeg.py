"""The JPEG compression of the simulator's camera, for image regions that augmentation has changed.

QuadSim sends JPEGs of quality 75 with chroma at half the resolution, which removes most of what distinguishes a far
target from other people. A person who is pasted or downscaled would otherwise keep more detail than the camera leaves.
"""

import cv2
import numpy as np

BLOCK = 16  # pixels; JPEG's coding unit with chroma subsampling


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    """Return (h, w, 3) uint8 RGB after JPEG compression at `quality`, 0 to 100; coding units begin at (0, 0)."""
    _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))[..., ::-1]


def compress_changes(original: np.ndarray, image: np.ndarray, quality: int) -> None:
    """Compress, in place, the rectangle of coding units in which `image` differs from `original`.

    Both are (h, w, 3) uint8 RGB; `original` has been through the camera's JPEG already.
    """
    changed = (image != original).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if rows.size:
        region = tuple(slice(ends[0] // BLOCK * BLOCK, (ends[-1] // BLOCK + 1) * BLOCK) for ends in (rows, columns))
        image[region] = compress(image[region], quality)
