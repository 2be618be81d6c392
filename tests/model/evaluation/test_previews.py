"""Previews of predictions, by the colours of their pixels."""

import numpy as np

from dataset.schema import Classes
from model.evaluation import previews
from tests.model.evaluation.synthetic import GREY, SIZE, PredictsRed, evaluate, write_frame


def test_ground_truth_and_prediction_are_outlined_in_their_colours(tmp_path):
    write_frame(tmp_path, "a", ground_truth=(2, 2, 10, 10), drawn=(20, 20, 28, 28))
    result = evaluate(tmp_path).results[0]
    drawn = previews.preview(result, PredictsRed())
    scale = previews.SIDE // SIZE
    assert tuple(drawn[2 * scale - 1, 6 * scale]) == previews.GROUND_TRUTH
    assert tuple(drawn[20 * scale - 1, 24 * scale]) == previews.PREDICTION
    assert tuple(drawn[6 * scale, 6 * scale]) == GREY  # the picture stays visible inside
    assert previews.contact_sheet([drawn] * 4).shape == (30 + 2 * drawn.shape[0], 3 * drawn.shape[1], 3)


def test_frames_of_nearly_the_same_size_fit_on_one_sheet():
    """As in KITTI, whose cameras differ by some pixels."""
    classes = Classes(("road", "rest"), 0, (0xFF00FF, 0xFF0000))
    views = []
    for rows, columns in ((376, 1224), (370, 1242), (375, 1242)):
        labels = np.zeros((rows, columns), np.uint8)
        views.append(previews.coloured_views(np.zeros((rows, columns, 3), np.uint8), labels, labels, classes))
    sheet = previews.coloured_sheet(views, classes)
    height, width = np.max([view.shape[:2] for view in views], axis=0)
    assert sheet.shape[1] == 2 * width
    assert sheet.shape[0] > 2 * height
