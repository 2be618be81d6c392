"""A network small enough for tests of the benchmarks, and pictures to send."""

import cv2
import keras
import pytest

from model import networks
from model.inference.sanity_inputs import sanity_frames
from model.weights import save_model


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("weights") / "tiny.h5"
    keras.utils.set_random_seed(0)
    save_model(networks.build("pyramid-small", 32), path)
    return str(path)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for index, frame in enumerate(sanity_frames((256, 256))[:4]):
        cv2.imwrite(str(folder / f"{index}.jpeg"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return folder
