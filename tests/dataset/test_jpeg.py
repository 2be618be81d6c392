import io

import cv2
import jpeglib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dataset.jpeg import decode_jpeg


@pytest.fixture(scope="module")
def libjpeg9(tmp_path_factory):
    """Return a function that decodes with libjpeg 9b."""
    file = tmp_path_factory.mktemp("jpeg") / "image.jpeg"
    before = jpeglib.version.get()
    jpeglib.version.set("9b")

    def decode(data):
        file.write_bytes(data)
        return jpeglib.read_spatial(str(file)).spatial

    yield decode
    jpeglib.version.set(before)


def picture(height, width, seed):
    """Return coloured noise that is smooth enough not to leave the range of a byte when compressed."""
    random = np.random.default_rng(seed)
    noise = random.integers(60, 200, (height // 6 + 2, width // 6 + 2, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def compressed(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


@given(
    st.integers(1, 4).map(lambda blocks: 16 * blocks),
    st.integers(1, 4).map(lambda blocks: 16 * blocks),
    st.integers(30, 98),
    st.integers(0, 2**32 - 1),
)
def test_every_pixel_is_that_of_libjpeg_9(libjpeg9, height, width, quality, seed):
    jpeg = compressed(picture(height, width, seed), quality=quality, subsampling="4:2:0")
    difference = np.abs(decode_jpeg(jpeg).astype(int) - libjpeg9(jpeg))
    assert difference.max() <= 3
    assert difference.mean() < 0.3


def test_libjpeg_turbo_would_differ(libjpeg9):
    jpeg = compressed(picture(64, 64, seed=1), subsampling="4:2:0")
    turbo = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(turbo.astype(int) - libjpeg9(jpeg)).max() > 10


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]))
def test_any_size_and_sampling_is_decoded(height, width, subsampling):
    pixels = picture(height, width, seed=2)
    decoded = decode_jpeg(compressed(pixels, quality=95, subsampling=subsampling))
    assert decoded.shape == pixels.shape
    grey, decoded_grey = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(int) for each in (pixels, decoded))
    assert np.abs(decoded_grey - grey).mean() < 6  # of colours, a picture of few pixels keeps little


def test_grey_and_progressive_files_are_decoded():
    pixels = picture(32, 48, seed=3)
    np.testing.assert_array_equal(*(decode_jpeg(compressed(pixels, progressive=each)) for each in (False, True)))
    grey = decode_jpeg(compressed(pixels[..., 0]))
    assert grey.shape == pixels.shape
    assert np.ptp(grey, axis=2).max() == 0


def test_damaged_data_raise_an_error():
    jpeg = compressed(picture(64, 64, seed=4))
    with pytest.raises(OSError, match="truncated"):
        decode_jpeg(jpeg[: len(jpeg) // 2])
