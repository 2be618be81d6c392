"""How certain networks are of a target in plain view."""

import numpy as np
import pytest

from dataset.schema import HERO, PEOPLE
from model.inference.agent_segmenter import typical_fraction
from model.inference.load import load_agent_segmenter


def test_the_least_certain_frame_counts_and_background_does_not():
    labels = [np.zeros((8, 8), np.uint8), np.zeros((16, 16), np.uint8)]
    labels[0][2:6, 2:6] = HERO
    labels[1][4:12, 4:12] = HERO  # the same part, at another resolution
    labels[1][:4] = PEOPLE
    probabilities = np.zeros((2, 8, 8, 3), np.float32)
    probabilities[0, 2:6, 2:6] = 0.5, 0.0, 0.5  # half background, none of it people
    probabilities[1, 2:6, 2:6] = 0.0, 0.1, 0.9
    assert typical_fraction(probabilities, labels) == pytest.approx(0.9)


def test_the_shipped_networks_are_certain():
    for name in ("model_weights.h5", "light.h5"):
        assert load_agent_segmenter(name, threads=1).typical_fraction > 0.99
