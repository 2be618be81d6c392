"""A small network and frames that every runtime must agree on."""

import keras
import numpy as np
import pytest

from model import networks
from model.inference.sanity_inputs import sanity_frames

SIZE = 64


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(3)
    return networks.build("pyramid-small", SIZE)


@pytest.fixture(scope="session")
def frames() -> np.ndarray:
    return sanity_frames((SIZE, SIZE))
