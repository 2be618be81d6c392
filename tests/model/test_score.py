"""The score against cases worked out by hand, and against what is known of the official evaluation data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model import score

BACKGROUND, PEOPLE, HERO = range(3)


def one_hot(labels):
    return (np.arange(3) == np.asarray(labels)[..., None]).astype(np.float32)


def mask_of(labels, value=255):
    return (one_hot(labels) * value).astype(np.uint8)


def frame(rows=8, columns=8, **boxes):
    labels = np.zeros((rows, columns), int)
    for name, (top, left, bottom, right) in boxes.items():
        labels[top:bottom, left:right] = {"people": PEOPLE, "hero": HERO}[name]
    return labels


def test_iou_of_two_shifted_boxes():
    ground_truth = frame(hero=(0, 0, 4, 4))  # 16 pixels
    predicted = frame(hero=(0, 2, 4, 6))  # 16 pixels, 8 of them shared: 8 / 24
    result = score.score_frame(one_hot(predicted), mask_of(ground_truth))
    assert result.iou == pytest.approx((40 / 56, 0.0, 8 / 24))
    assert (result.target_pixels, result.predicted_pixels) == (16, 16)


def test_a_class_that_is_nowhere_scores_zero_as_in_the_original():
    result = score.score_frame(one_hot(frame()), mask_of(frame()))
    assert result.iou == (1.0, 0.0, 0.0)
    assert not result.present
    assert not result.detected


@pytest.mark.parametrize("value", [1, 255])
def test_masks_of_ones_and_of_255_mean_the_same(value):
    labels = frame(people=(0, 0, 2, 2), hero=(4, 4, 6, 6))
    assert score.score_frame(one_hot(labels), mask_of(labels, value)).iou == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("pixels", "counts"), [(3, False), (4, True)])
def test_more_than_three_pixels_make_a_detection(pixels, counts):
    labels = frame()
    labels[0, :pixels] = HERO
    result = score.score_frame(one_hot(labels), mask_of(labels))
    assert (result.present, result.detected) == (counts, counts)


def test_a_mask_halved_keeps_what_covers_most_of_the_filter():
    # Halving, the triangle filter weighs the four nearest of a row 1-3-3-1 of 8 (at the border 3-3-1 of 7), along the
    # columns first, then along the rows.
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[2:4, 2:4, HERO] = 255  # exactly one new pixel's own 2 x 2: 6/8 both ways, kept; its neighbours get 1/8
    mask[6:8, 4:8, PEOPLE] = 255  # two new pixels in the last row
    mask[4, :, BACKGROUND] = 255  # a line one pixel thin: 3/8 at most, gone
    small = score.resize_mask(mask, (4, 4))
    assert np.argwhere(small[..., HERO]).tolist() == [[1, 1]]
    assert np.argwhere(small[..., PEOPLE]).tolist() == [[3, 2], [3, 3]]
    assert not small[..., BACKGROUND].any()


def test_set_averages_and_counts():
    hero, nothing = frame(hero=(0, 0, 4, 4)), frame()
    pairs = [(hero, hero), (hero, nothing), (nothing, hero), (nothing, nothing)]
    result = score.score_set(
        [score.score_frame(one_hot(predicted), mask_of(ground_truth)) for ground_truth, predicted in pairs]
    )
    assert result.hero_iou == 0.25
    assert (result.true_positives, result.false_negatives, result.false_positives) == (1, 1, 1)
    assert result.frames == 4


def test_final_score_by_hand():
    def of(iou, hits, wrong, missed):
        return score.SetScore(10, (0.9, 0.5, iou), hits, wrong, missed)

    # mean(0.8, 0.4) * (9 + 5) / (9 + 5 + 2 + 1 + 3) = 0.6 * 0.7
    assert score.final_score(of(0.8, 9, 0, 1), of(0.0, 0, 2, 0), of(0.4, 5, 0, 3)) == pytest.approx(0.42)
    assert score.final_score(of(0.0, 0, 0, 0), of(0.0, 0, 0, 0), of(0.0, 0, 0, 0)) == 0.0


labels_8x8 = hnp.arrays(np.int64, (8, 8), elements=st.integers(0, 2))


@given(labels_8x8, labels_8x8)
def test_iou_is_symmetric_and_one_only_for_equals(first, second):
    forward = score.score_frame(one_hot(first), mask_of(second)).iou
    assert forward == score.score_frame(one_hot(second), mask_of(first)).iou
    assert all(0.0 <= iou <= 1.0 for iou in forward)
    assert (all(iou == 1.0 for iou in forward)) == (np.array_equal(first, second) and len(np.unique(first)) == 3)
