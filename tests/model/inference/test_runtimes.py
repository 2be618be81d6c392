"""Every runtime gives the network's own predictions; what is missing on this machine is skipped or reported."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.inference.choices import RUNTIMES, RuntimeUnavailable
from model.inference.runtimes import compile_network

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def expected(network, frames):
    return np.asarray(network(frames.astype(np.float32), training=False))


@pytest.mark.parametrize("name", RUNTIMES)
def test_each_runtime_gives_the_networks_own_predictions(network, frames, expected, name):
    compiled = compile_network(network, name)
    result = compiled.predict(frames)
    assert result.dtype == np.float32
    assert np.abs(result - expected).mean() < 0.5 / 255
    assert compiled.runtime
    assert compiled.device


def test_auto_takes_tensorflow_where_openvino_is_missing(network, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert compile_network(network, "auto").runtime == "TensorFlow"
    with pytest.raises(RuntimeUnavailable, match="pip install openvino"):
        compile_network(network, "openvino")


def test_auto_takes_tensorflow_where_openvino_cannot_convert_the_network(network, frames, expected, monkeypatch):
    from openvino.frontend import OpConversionFailure

    def convert_model(*_):
        raise OpConversionFailure("No translator for the operation Strange.\nand more")

    monkeypatch.setattr("openvino.convert_model", convert_model)
    with pytest.raises(RuntimeUnavailable, match=r"\(No translator for the operation Strange\.\)"):
        compile_network(network, "openvino")
    compiled = compile_network(network, device="cpu")
    assert compiled.runtime == "TensorFlow"
    np.testing.assert_allclose(compiled.predict(frames), expected, atol=1e-5)


def test_auto_takes_tensorflow_where_openvino_cannot_compile_the_network(network, monkeypatch):
    def compile_model(*_):
        raise RuntimeError("Exception from core.cpp:132:\nThe driver is too old.\n\n")

    monkeypatch.setattr("openvino.Core.compile_model", compile_model)
    with pytest.raises(
        RuntimeUnavailable, match=r"the openvino runtime fails here \(The driver is too old\.\): choose"
    ):
        compile_network(network, "openvino")
    assert compile_network(network, device="cpu").runtime == "TensorFlow"


def test_auto_takes_openvino_where_the_gpu_of_tensorflow_fails(network, frames, expected, monkeypatch):
    def get_device_details(_):
        trace = "Graph execution error:\n\nDetected at node conv\nDNN library is not found.\n\t [[{{node conv}}]]"
        raise tf.errors.UnimplementedError(None, None, trace)

    monkeypatch.setattr("model.inference.tensorflow_runtime.find_gpus", lambda: ["a GPU"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", get_device_details)
    compiled = compile_network(network)
    assert compiled.runtime.startswith("OpenVINO")
    assert np.abs(compiled.predict(frames) - expected).mean() < 0.5 / 255
    with pytest.raises(
        RuntimeUnavailable, match=r"\(DNN library is not found\.\): choose .*; .* no Intel GPU"
    ) as error:
        compile_network(network, device="gpu")
    assert "\n" not in str(error.value)


def test_a_missing_gpu_is_an_error(network, monkeypatch):
    monkeypatch.setattr("model.inference.tensorflow_runtime.find_gpus", list)
    with pytest.raises(RuntimeUnavailable, match="no GPU"):
        compile_network(network, "auto", device="gpu")
    with pytest.raises(RuntimeUnavailable, match="no Intel GPU"):
        compile_network(network, "openvino", device="gpu")


def test_auto_takes_keras_on_another_backend(network, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert compile_network(network, "auto").runtime == "Keras on jax"
    for name in ("openvino", "tensorflow"):
        with pytest.raises(RuntimeUnavailable, match="KERAS_BACKEND"):
            compile_network(network, name)
