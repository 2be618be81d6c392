"""Each exported format gives the network's own predictions, for frames alone and, where it takes them, in batches."""

import keras
import numpy as np
import pytest
from keras import layers

from model import networks
from model.export.formats import FORMATS
from model.inference.sanity_inputs import sanity_frames
from model.legacy.tf1_bilinear import BilinearUpSampling2D

pytestmark = pytest.mark.slow

SIZE = 32
FRAMES = sanity_frames((SIZE, SIZE))


@pytest.fixture(scope="module")
def pyramid():
    keras.utils.set_random_seed(2)
    return networks.Pyramid((8, 16), (1, 1), (1,)).build(SIZE)


@pytest.fixture(scope="module")
def legacy():
    """Return a network with the layers of 2017."""
    keras.utils.set_random_seed(2)
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.SeparableConv2D(8, 3, strides=2, padding="same")(layers.Rescaling(1 / 127.5, offset=-1)(image))
    x = layers.BatchNormalization()(layers.Activation("relu")(x))
    x = layers.Concatenate()([BilinearUpSampling2D((2, 2))(x), image])
    return keras.Model(image, layers.Conv2D(3, 1, activation="softmax")(x))


def export(name, network, folder):
    for package in FORMATS[name].packages:
        pytest.importorskip(package, reason=f"{name} needs {package}: pip install -r requirements-export.txt")
    return FORMATS[name].export(network, folder / "tiny", FRAMES)


@pytest.mark.parametrize("family", ["pyramid", "legacy"])
@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("saved_model", ["tiny_saved_model/saved_model.pb"]),
        ("litert", ["tiny.tflite"]),
        ("litert_int8", ["tiny_int8.tflite"]),
        ("onnx", ["tiny.onnx"]),
        ("openvino", ["tiny.xml", "tiny.bin"]),
    ],
)
def test_predictions_are_those_of_the_network(request, tmp_path, name, files, family):
    network = request.getfixturevalue(family)
    artefact = export(name, network, tmp_path)
    assert all((tmp_path / file).stat().st_size > 100 for file in files)
    assert artefact.megabytes > 0.001
    expected = np.asarray(network(FRAMES.astype(np.float32), training=False))
    alone = np.concatenate([artefact.predict(frame[None]) for frame in FRAMES])
    assert alone.dtype == np.float32
    if not FORMATS[name].exact:
        assert np.abs(alone - expected).mean() < 0.02
        return
    np.testing.assert_allclose(alone, expected, atol=1e-4)
    if artefact.input.endswith("any batch"):
        np.testing.assert_allclose(artefact.predict(FRAMES), expected, atol=1e-4)
