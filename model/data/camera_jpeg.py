"""The camera's JPEG, for pictures that were changed after it: as if the simulator had rendered them so.

Frames of QuadSim are JPEGs of quality 75 with one colour for two by two pixels, which takes from a far hero most of
what tells her from others. Somebody who is copied into a frame, or made smaller with all of it, would keep that.
"""

import cv2
import numpy as np

BLOCK = 16  # pixels: what JPEG compresses at a time, with colours at half the resolution


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    """(h, w, 3) uint8 RGB as it comes out of a JPEG of this quality (0 .. 100); its blocks begin at (0, 0)."""
    _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1]


def compress_changes(original: np.ndarray, image: np.ndarray, quality: int) -> None:
    """Compresses in place what differs from the original, a decoded JPEG, and all between; both (h, w, 3) uint8 RGB."""
    different = (image != original).reshape(len(image), -1)
    rows, columns = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0)) // 3
    if rows.size:
        part = tuple(slice(ends[0] // BLOCK * BLOCK, (ends[-1] // BLOCK + 1) * BLOCK) for ends in (rows, columns))
        image[part] = compress(image[part], quality)
