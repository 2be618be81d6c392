"""Copies among many pictures that look alike, as those of a drone that hovers."""

import numpy as np

from dataset.audit.copies import KEPT, find_copies

COUNT, ORIGINAL = 600, 300


def picture(index: int) -> np.ndarray:
    """Return a picture of black and white blocks, others for each index."""
    bits = (index >> np.arange(16) & 1).astype(np.uint8).reshape(4, 4) * 255
    return np.repeat(np.kron(bits, np.ones((4, 4), np.uint8))[..., None], 3, axis=2)


def test_a_copy_is_found_among_pictures_that_look_alike_without_comparing_all_of_them():
    looks = np.random.default_rng(0).uniform(-0.5, 0.5, (COUNT, KEPT * KEPT)).astype(np.float32) + 4
    looks[-1] = looks[ORIGINAL] + 0.1  # compressed again
    reads = []

    def read(index: int) -> np.ndarray:
        reads.append(index)
        return picture(ORIGINAL if index == COUNT - 1 else index)

    found = [copy[:3] for copy in find_copies(looks, read)]
    assert found == [(COUNT - 1, ORIGINAL, False)]
    assert len(reads) < 20 * COUNT


def test_of_many_equal_pictures_all_are_copies_of_the_first():
    looks = np.full((COUNT, KEPT * KEPT), 4, np.float32)
    found = [copy[:3] for copy in find_copies(looks, lambda _: picture(5))]
    assert found == [(index, 0, False) for index in range(1, COUNT)]
