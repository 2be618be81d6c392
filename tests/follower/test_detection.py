"""Probabilities to blobs: which pixels count, where they lie in the frame, which belong together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from follower.detection import find_blobs, is_beside


def picture(*blobs, size=256, rest=0.01):
    """Return (size, size, 3) probabilities with `blobs` of (top, left, bottom, right, target probability)."""
    target = np.full((size, size), rest, np.float32)
    for top, left, bottom, right, probability in blobs:
        target[top:bottom, left:right] = probability
    return np.stack([1 - target, np.zeros_like(target), target], axis=-1)


def find(probabilities, image_size=(256, 256), threshold=0.5, min_area=6.0):
    return [blob.detection for blob in find_blobs(probabilities, image_size, threshold, min_area)]


def test_nothing_above_the_threshold_gives_no_blob():
    assert find(picture((10, 10, 20, 20, 0.5))) == []
    assert find(picture((10, 10, 20, 20, 0.45)), threshold=0.4)


def test_a_blob_by_hand():
    [found] = find(picture((100, 60, 120, 68, 0.9)))
    assert found.centroid == (109.5, 63.5)  # the middle of rows 100..119 and columns 60..67
    assert found.box == (100, 60, 120, 68)
    assert found.area == 160
    assert found.confidence == pytest.approx(0.9)
    assert found.mask.dtype == bool
    assert found.mask.shape == (256, 256)
    assert found.mask.sum() == 160
    assert found.mask[100:120, 60:68].all()


def test_only_the_target_class_counts():
    probabilities = picture((100, 60, 120, 68, 0.9))[:, :, [0, 2, 1]]
    assert find(probabilities) == []


@pytest.mark.parametrize("size", [64, 128, 160, 256, 512])
def test_a_smaller_network_finds_the_same_place(size):
    # An eighth of the height down to a quarter, a half of the width to five eighths, whatever the resolution.
    part = size // 8
    [found] = find(picture((part, 4 * part, 2 * part, 5 * part, 0.9), size=size))
    assert found.box == pytest.approx((32, 128, 64, 160))
    assert found.centroid == pytest.approx((47.5, 143.5))
    assert found.area == pytest.approx(1024)
    assert found.mask.shape == (size, size)


def test_rows_and_columns_of_a_wide_frame():
    [found] = find(picture((0, 64, 128, 128, 0.9)), image_size=(480, 640))
    assert found.box == pytest.approx((0, 160, 240, 320))
    assert found.centroid == pytest.approx((119.5, 239.5))
    assert found.area == pytest.approx(240 * 160)


@pytest.mark.parametrize(
    ("size", "pixels", "found"), [(256, 5, False), (256, 6, True), (512, 23, False), (512, 24, True)]
)
def test_the_minimum_area_scales_with_the_resolution(size, pixels, found):
    assert bool(find(picture((50, 50, 51, 50 + pixels, 0.9), size=size))) is found


def test_distant_targets_of_a_few_pixels_are_found_at_low_resolution():
    # 2 x 2 pixels at 160 are 10 at 256.
    [found] = find(picture((50, 50, 52, 52, 0.8), size=160))
    assert found.area == pytest.approx(10.24)


def test_blobs_are_sorted_by_area_and_confidence():
    large, small = (20, 20, 40, 28, 0.9), (100, 100, 110, 104, 0.95)
    unsure = (180, 180, 202, 188, 0.55)
    boxes = [found.box[:2] for found in find(picture(small, unsure, large))]
    assert boxes == [(20, 20), (180, 180), (100, 100)]


def test_a_silhouette_cut_in_two_by_an_occluder_is_one_blob():
    # A person of 12 x 30 pixels behind a lamp post of 4.
    [found] = find(picture((100, 60, 130, 64, 0.9), (100, 68, 130, 72, 0.9)))
    assert found.box == (100, 60, 130, 72)
    assert found.centroid == (114.5, 65.5)
    assert found.area == 240


def test_fragments_too_small_alone_count_together():
    [found] = find(picture((100, 60, 102, 62, 0.9), (103, 60, 105, 62, 0.9)))
    assert found.area == 8


def test_blobs_apart_stay_apart_and_do_not_creep_together():
    assert len(find(picture((100, 60, 130, 68, 0.9), (100, 90, 130, 98, 0.9)))) == 2
    # A row of blobs, each within reach of its neighbour only: the first does not swallow them all.
    row = [(100, 20 * i, 130, 20 * i + 14, 0.9 if i else 0.95) for i in range(10)]
    assert all(found.box[3] - found.box[1] < 60 for found in find(picture(*row)))


def test_noise_is_bounded():
    """Random output over the whole image neither fails nor gives thousands of blobs."""
    rng = np.random.default_rng(5)
    probabilities = picture(size=256)
    probabilities[::3, ::3, 2] = rng.random((86, 86)) * 2
    assert len(find(probabilities, min_area=1.0)) <= 24


@pytest.mark.parametrize("shape", [(256, 256), (1, 256, 256, 3), (256, 256, 2)])
def test_other_shapes_are_refused_with_a_reason(shape):
    with pytest.raises(ValueError, match=r"expected probabilities of shape \(rows, columns, 3\)"):
        find(np.zeros(shape, np.float32))


@given(st.integers(0, 149), st.integers(0, 149), st.integers(3, 10), st.integers(3, 10), st.integers(160, 161))
def test_centroid_lies_in_the_middle_of_the_box(top, left, height, width, size):
    [found] = find(picture((top, left, top + height, left + width, 0.8), size=size))
    # Boxes are half-open with edges at pixel borders, centroids count from pixel centres: half a pixel between them.
    assert found.centroid[0] == pytest.approx((found.box[0] + found.box[2]) / 2 - 0.5)
    assert found.centroid[1] == pytest.approx((found.box[1] + found.box[3]) / 2 - 0.5)
    assert found.area == pytest.approx((found.box[2] - found.box[0]) * (found.box[3] - found.box[1]))


def test_people_are_beside_a_person_if_enough_of_its_outline_touches_them():
    person, apart, touching = (np.zeros((40, 40), bool) for _ in range(3))
    person[10:30, 10:18] = True
    apart[10:30, 22:30] = True
    touching[10:30, 18:26] = True
    assert not is_beside(person, apart)
    assert is_beside(person, touching)
    touching[12:] = False  # a foot of another person
    assert not is_beside(person, touching)


@pytest.mark.parametrize("place", [np.s_[:8, :4], np.s_[-8:, -4:], np.s_[:, :]])
def test_a_person_at_the_edge_of_the_picture_is_beside_nobody(place):
    person = np.zeros((40, 40), bool)
    person[place] = True
    assert not is_beside(person, np.zeros((40, 40), bool))
