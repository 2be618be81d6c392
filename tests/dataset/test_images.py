import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from dataset.archives import DatasetError
from dataset.images import decode_image, image_defect
from dataset.masks.labels import decode_labels
from dataset.masks.stored import decode_mask


@given(st.data())
def test_truncated_or_changed_png_is_refused(data):
    pixels = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    png = cv2.imencode(".png", pixels)[1].tobytes()
    assert image_defect("a.png", png) is None
    assert image_defect("a.png", png[: data.draw(st.integers(0, len(png) - 1))])
    place = data.draw(st.integers(0, len(png) - 1))
    changed = bytearray(png)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert image_defect("a.png", bytes(changed))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright_as_viewers_show_them(orientation):
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :16] = 255  # one corner
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", exif=exif, quality=95)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file.getvalue()))))
    decoded = decode_image(file.getvalue(), "a.jpeg")
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).max() < 40  # libjpeg 9 enlarges chroma in another way


def test_truncated_jpeg_is_refused():
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    assert image_defect("a.jpeg", jpeg) is None
    assert image_defect("a.jpeg", jpeg[:-1])
    assert image_defect("a.jpeg", b"")
    assert image_defect("a.jpeg", bytes(100))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda png: b"GIF89a" + png, "is not a PNG: it begins with 47 49 46"),
        (lambda png: png[:60], "is truncated inside its chunk b'IDAT'"),
        (lambda png: png[:-4], "without an end chunk"),
        (lambda png: png[:20] + b"\xff" + png[21:], "wrong checksum in its chunk b'IHDR'"),
        (lambda png: png[:8] + png[33:], "must begin with one header chunk"),
        (lambda png: png[:33] + png[8:], "must begin with one header chunk"),
    ],
)
def test_reason_names_what_is_wrong(damage, reason):
    png = cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes()
    assert reason in (image_defect("depth.PNG", damage(png)) or "")


def huge_png(colour_type: int) -> bytes:
    """Return a PNG of 65,000 x 65,000 pixels by its header, in a few bytes."""
    header = struct.pack(">IIBBBBB", 65000, 65000, 8, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), *([(b"PLTE", bytes(3))] if colour_type == 3 else []), (b"IDAT", b"x"), (b"IEND", b"")]
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("colour_type", [2, 3])
def test_a_picture_too_large_to_read_is_an_error_that_names_it(colour_type):
    for decode in (decode_image, decode_mask):
        with pytest.raises(DatasetError, match=r"huge\.png"):
            decode(huge_png(colour_type), "huge.png")
    assert decode_labels(huge_png(colour_type), (256, 256)) is None
