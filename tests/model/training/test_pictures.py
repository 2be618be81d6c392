"""Pictures of a training."""

from dataclasses import replace

import numpy as np

from model.data.packing import pack
from model.evaluation.previews import GROUND_TRUTH, PREDICTION
from model.training.pictures import choose_examples, draw_examples
from tests.model.labelled_frames import find_frames


def test_examples_are_targets_of_all_sizes_and_a_negative_frame(data, tmp_path):
    frames = pack(find_frames(data / "validation"), tmp_path / "cache", 256)
    rows = choose_examples(frames)
    areas = frames.areas[rows, 2].tolist()
    assert areas[:-1] == sorted(frames.areas[:, 2].tolist())[-4:]  # every third of the six shows no target
    assert areas[-1] == 0
    drawn = draw_examples(lambda images: np.eye(3)[frames.labels[rows]], frames)  # the ground truth
    outlines = ((drawn == GROUND_TRUTH).all(axis=2).sum(), (drawn == PREDICTION).all(axis=2).sum())
    assert (
        outlines[1] > 100 > outlines[0] - 15 * 13
    )  # the prediction's outline covers the other one, except in the legend
    assert choose_examples(replace(frames, excluded=frozenset(range(5)))) == [5]
