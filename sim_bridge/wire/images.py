"""Images of a `sensor_frame`: base64, headers and checksums; pixels only on request."""

import base64
import binascii
import io
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from dataset.images import jpeg_defect, png_defect
from dataset.jpeg import decode_jpeg
from sim_bridge.wire.bad_frame import BadFrame, type_name

_DATA_URL = re.compile(r"data:[^,]{0,100};base64,", re.IGNORECASE)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]|=(?=[^=])")
_PNG_HEADER = 16  # bytes before width, height, bit depth and colour type
_DEPTH_COLOUR_TYPES = (0, 2, 6)  # PNG's grey, RGB and RGBA; R = G = B in what QuadSim sends


def base64_bytes(name: str, text: object) -> bytes:
    """Decode the value of the key `name`. Raises BadFrame."""
    if not isinstance(text, str):
        raise BadFrame("wrong-type", f"{name} must be a base64 string, got {type_name(text)}")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = _relaxed_base64(name, text)
    if not data:
        raise BadFrame("bad-base64", f"{name} is empty")
    return data


def _relaxed_base64(name: str, text: str) -> bytes:
    """Decode base64 with line ends (MIME), of the alphabet for URLs, or in a data URL. Raises BadFrame."""
    text = text.lstrip()
    if prefix := _DATA_URL.match(text):
        text = text[prefix.end() :]
    text = "".join(text.split()).replace("-", "+").replace("_", "/")
    if other := _NOT_BASE64.search(text):
        where = f"{other[0]!r} at position {other.start()}"
        raise BadFrame("bad-base64", f"{name} must be base64 (letters, digits, +, / and = at the end), got {where}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        reason = f"its {len(text)} characters do not end with a whole byte; is the end missing?"
        raise BadFrame("bad-base64", f"{name} must be base64: {reason}") from None


def _check_size(name: str, width: int, height: int, frame_size: int) -> None:
    if (width, height) != (frame_size, frame_size):
        expected = f"{frame_size}x{frame_size} pixels (the setting bridge.frame_size)"
        raise BadFrame("wrong-size", f"{name} must be {expected}, got {width}x{height}")


def check_jpeg(data: bytes, frame_size: int) -> None:
    """Check header and end; no pixel is decoded, so a decompression bomb costs nothing."""
    if defect := jpeg_defect(data):
        raise BadFrame("bad-jpeg", f"rgb_image {defect}")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as header:
            (width, height), mode = header.size, header.mode
    except Image.DecompressionBombError as error:
        raise BadFrame("wrong-size", f"rgb_image must be {frame_size}x{frame_size} pixels: {error}") from error
    except Exception as error:  # Pillow raises OSError, SyntaxError, struct.error and more on hostile headers
        raise BadFrame("bad-jpeg", f"rgb_image has no readable JPEG header: {error}") from error
    _check_size("rgb_image", width, height, frame_size)
    if mode != "RGB":
        raise BadFrame("wrong-mode", f"rgb_image must be a colour JPEG, got mode {mode}")


def check_png(data: bytes, frame_size: int) -> None:
    """Check header and checksums; no pixel is decoded."""
    if defect := png_defect(data):
        raise BadFrame("bad-png", f"depth_image {defect}")
    width, height, bits, colour_type = struct.unpack_from(">IIBB", data, _PNG_HEADER)
    _check_size("depth_image", width, height, frame_size)
    if bits != 8 or colour_type not in _DEPTH_COLOUR_TYPES:
        found = f"{bits} bit of colour type {colour_type}"
        raise BadFrame("wrong-mode", f"depth_image must be 8 bit RGBA, RGB or grey, got {found}")


def check_mask(data: bytes, frame_size: int) -> None:
    """Check a ground-truth mask as `check_png` does a depth image, whatever its colours are."""
    if defect := png_defect(data):
        raise BadFrame("bad-png", f"ground_truth_mask {defect}")
    width, height = struct.unpack_from(">II", data, _PNG_HEADER)
    _check_size("ground_truth_mask", width, height, frame_size)


def decode_camera_image(data: bytes) -> np.ndarray:
    """Return (height, width, 3) uint8 RGB. Raises BadFrame."""
    with _decoding("rgb_image", "bad-jpeg"):
        return decode_jpeg(data)


def decode_depth_image(data: bytes) -> np.ndarray:
    """Return (height, width) uint8. Raises BadFrame."""
    with _decoding("depth_image", "bad-png"), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., 0])


@contextmanager
def _decoding(name: str, kind: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # as above: hostile data raises more than OSError
        raise BadFrame(kind, f"{name} cannot be decoded: {error}") from error
