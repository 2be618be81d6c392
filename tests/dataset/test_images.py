import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.images import image_defect


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
