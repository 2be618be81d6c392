"""Labels as runs: whatever is written is read again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.masks.runs import labels_of_runs, runs_of_labels


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_any_labels_survive(height, width, seed, classes):
    labels = np.random.default_rng(seed).integers(0, classes, (height, width)).astype(np.uint8)
    runs = runs_of_labels(labels)
    assert all(isinstance(number, int) for number in runs)
    assert sum(runs[1::2]) == labels.size
    assert all(one != other for one, other in zip(runs[0::2], runs[2::2], strict=False))  # as few as possible
    np.testing.assert_array_equal(labels_of_runs(runs, labels.shape), labels)


@given(st.lists(st.integers(-5, 70), max_size=12))
def test_runs_that_do_not_fit_are_refused(runs):
    fit = (
        len(runs) % 2 == 0 and set(runs[0::2]) <= {0, 1, 2} and min(runs[1::2], default=0) > 0 and sum(runs[1::2]) == 64
    )
    if not fit:
        with pytest.raises(ValueError, match="expected"):
            labels_of_runs(runs, (8, 8))


def test_no_numbers_are_no_labels():
    with pytest.raises(ValueError, match="expected labels of 4 pixels"):
        labels_of_runs([], (2, 2))
