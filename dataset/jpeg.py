"""Decode JPEG images as libjpeg 9 does, with which the original software of 2017 read its frames.

Most JPEGs, QuadSim's among them, store chroma at half the size. libjpeg 9 enlarges it in the frequency domain: the 8x8
cosine coefficients of a block are evaluated at 16x16 points. libjpeg-turbo, which OpenCV and Pillow contain, blends
neighbouring pixels instead. The colour of a distant person differs by so much that networks notice.

Here libjpeg-turbo decodes luma at full and chroma at half the size. The coefficients of chroma follow from its pixels:
they are multiples of the file's quantisation steps, so that rounding undoes that of the pixels.
"""

import io

import cv2
import numpy as np
from PIL import Image, JpegImagePlugin

_BLOCK = 8  # pixels
_CHROMA_AT_HALF_SIZE = 2  # Pillow's number for 4:2:0


def _cosines(points: int) -> np.ndarray:
    """Return the values of a block's orthonormal cosines at `points` places, (points, 8)."""
    places = (2 * np.arange(points)[:, None] + 1) / (2 * points)
    frequencies = np.arange(_BLOCK)
    return (np.cos(np.pi * places * frequencies) * np.where(frequencies, 0.5, np.sqrt(1 / 8))).astype(np.float32)


_ANALYSE, _EVALUATE = _cosines(_BLOCK), _cosines(2 * _BLOCK)


def decode_jpeg(data: bytes) -> np.ndarray:
    """Decode a JPEG to (height, width, 3) uint8 RGB. Raises OSError, and what else Pillow raises on hostile data."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        width, height = image.size
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        sampling = JpegImagePlugin.get_sampling(image)
        if image.mode != "RGB" or sampling != _CHROMA_AT_HALF_SIZE or min(width, height) == 1:
            return np.asarray(image.convert("RGB"))
        steps = [np.array(image.quantization[table]) for *_, table in image.layer[1:]]
        image.draft("YCbCr", (width // 2, height // 2))
        half = np.asarray(image)
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.draft("L", image.size)  # OpenCV would be as fast, but writes warnings about damaged data to the terminal
        luma = np.asarray(image)
    blue, red = (_enlarge(half[..., 1 + index], steps[index])[:height, :width] for index in range(2))
    return np.asarray(cv2.cvtColor(cv2.merge([luma, red, blue]), cv2.COLOR_YCrCb2RGB))


def _enlarge(chroma: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return a plane of chroma, (rows, columns) uint8, at twice the size of its whole blocks; 64 quantisation steps."""
    rows, columns = (-(-length // _BLOCK) for length in chroma.shape)  # in blocks
    missing = rows * _BLOCK - chroma.shape[0], columns * _BLOCK - chroma.shape[1]
    if any(missing):
        chroma = np.pad(chroma, ((0, missing[0]), (0, missing[1])), "edge")
    pixels = (chroma.astype(np.float32) - 128).reshape(rows, _BLOCK, -1)
    coefficients = ((_ANALYSE.T @ pixels).reshape(-1, _BLOCK) @ _ANALYSE).reshape(rows, _BLOCK, columns, _BLOCK)
    steps = steps.reshape(_BLOCK, 1, _BLOCK).astype(np.float32)
    coefficients = np.rint(coefficients / steps) * steps
    wide = (coefficients.reshape(-1, _BLOCK) @ _EVALUATE.T).reshape(rows, _BLOCK, -1)
    full = (_EVALUATE @ wide).reshape(2 * rows * _BLOCK, -1)
    full += 128.5  # half a unit, so that cutting the fraction off rounds
    result: np.ndarray = np.clip(full, 0, 255, out=full).astype(np.uint8)
    return result
