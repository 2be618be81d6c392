"""Image files: check that they are complete, decode them, resize what they contain."""

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import ExifTags, Image

from dataset.archives import DatasetError
from dataset.downloads import kind_of_file, placeholder
from dataset.jpeg import decode_jpeg

JPEG_SIGNATURE = b"\xff\xd8"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_BEFORE_EXIF = 1 << 16  # bytes
UPRIGHT = {  # by EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def image_defect(name: str, data: bytes) -> str | None:
    """Return `png_defect` of a file named `*.png`, else `jpeg_defect`. Decodes no pixel: hostile files cost nothing."""
    return png_defect(data) if name.lower().endswith(".png") else jpeg_defect(data)


def jpeg_defect(data: bytes) -> str | None:
    """Return why the data is not a complete JPEG, to follow the file's name ("is truncated: ..."); None if it is."""
    if not data.startswith(JPEG_SIGNATURE):
        return f"is not a JPEG: it begins with {data[:4].hex(' ')}"
    if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        return f"is truncated: {len(data)} bytes without an end marker"
    return None


def png_defect(data: bytes) -> str | None:
    """Return why the data is not a complete PNG, to follow the file's name ("is truncated: ..."); None if it is.

    Complete: signature, a header chunk of 13 bytes (so that `struct.unpack_from(">IIBB", data, 16)` is width, height,
    bit depth and colour type), and every chunk with its right checksum up to the end chunk.
    """
    if not data.startswith(PNG_SIGNATURE):
        return f"is not a PNG: it begins with {data[:8].hex(' ')}"
    start = position = len(PNG_SIGNATURE)
    name = b""
    while name != b"IEND":
        if position + 12 > len(data):
            return f"is truncated: {len(data)} bytes without an end chunk"
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            return f"is truncated inside its chunk {name!r}"
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(memoryview(data)[position + 4 : end - 4]) != checksum:
            return f"is damaged: wrong checksum in its chunk {name!r}"
        if (name == b"IHDR") != (position == start) or (name == b"IHDR" and length != 13):
            return "must begin with one header chunk of 13 bytes"
        position = end
    return None


def why_unreadable(data: bytes) -> str:
    """Return why the data is not the JPEG or PNG that was expected, to follow the file's name ("is empty")."""
    if defect := placeholder(data):
        return defect
    if data.startswith(PNG_SIGNATURE):
        return png_defect(data) or "is a PNG whose contents are damaged"
    if data.startswith(PNG_SIGNATURE[:4]):  # the rest of the signature is line endings
        return "is a PNG that was transferred as text; download it again"
    if data.startswith(JPEG_SIGNATURE):
        return jpeg_defect(data) or "is a JPEG whose contents are damaged"
    kind = kind_of_file(data) or f"of an unknown kind, and begins with {data[:4].hex(' ')}"
    return f"is not a JPEG or PNG image: it is {kind}"


def decode_image(data: bytes, origin: object) -> np.ndarray:
    """Decode a JPEG or PNG to (height, width, 3) uint8 RGB, upright as its EXIF orientation says.

    Raises DatasetError that names `origin`.
    """
    if data.startswith(JPEG_SIGNATURE):
        try:
            return _upright(decode_jpeg(data), data)
        except Exception as error:  # Pillow raises OSError, SyntaxError, struct.error and more on damaged files
            raise DatasetError(f"{origin} {jpeg_defect(data) or f'cannot be decoded: {error}'}") from error
    rgb = decode_with_opencv(data, cv2.IMREAD_COLOR_RGB)
    if rgb is None:
        raise DatasetError(f"{origin} {why_unreadable(data)}")
    return rgb


def _upright(pixels: np.ndarray, jpeg: bytes) -> np.ndarray:
    """Turn the pixels of a JPEG as every viewer does, and OpenCV with PNGs."""
    if b"Exif\0\0" not in jpeg[:MOST_BEFORE_EXIF]:
        return pixels
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        turn = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))


def decode_with_opencv(data: bytes, flags: int) -> np.ndarray | None:
    """Return the pixels as `cv2.imdecode` does; None for what it cannot read, also where it raises for that."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:  # more than 2^30 pixels, or a damaged header
        return None
    return None if pixels is None else np.asarray(pixels)


def resize_bilinear(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an image, (height, width, 3) uint8, at (rows, columns) `size`; by Pillow, as in the original."""
    if image.shape[:2] == size:
        return image
    rows, columns = size
    return np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR))
