"""Every runtime gives the network's own answers; what is missing or differs is passed over or said."""

import sys

import keras
import numpy as np
import pytest

from model import networks
from model.inference.choices import DEVICES, RUNTIMES
from model.inference.runtimes import RuntimeUnavailable, make_runtime, predictions_agree
from model.inference.sanity_inputs import sanity_frames

SIZE = 64


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    return networks.build("pyramid-small", SIZE)


@pytest.fixture(scope="module")
def frames():
    return sanity_frames((SIZE, SIZE))


@pytest.fixture(scope="module")
def answers(network, frames):
    return np.asarray(network(frames.astype(np.float32), training=False))


@pytest.fixture(scope="module")
def openvino_run(network):
    return make_runtime(network, "openvino").run


@pytest.mark.parametrize("name", RUNTIMES)
def test_each_runtime_gives_the_networks_own_answers(network, frames, answers, name):
    runtime = make_runtime(network, name)
    result = runtime.run(frames)
    assert result.dtype == np.float32
    assert np.abs(result - answers).mean() < 0.5 / 255
    assert runtime.name
    assert runtime.device


def test_batches_of_any_size_in_any_order(openvino_run, frames, answers):
    for count in (1, 4, 2, 6, 1):
        result = openvino_run(frames[:count])
        assert result.shape == (count, SIZE, SIZE, 3)
        np.testing.assert_allclose(result, answers[:count], atol=0.02)


def test_results_are_kept_when_the_next_frame_comes(openvino_run, frames):
    run = openvino_run
    first = run(frames[:1])
    kept = first.copy()
    run(frames[1:2])
    np.testing.assert_array_equal(first, kept)


def test_frames_need_not_be_contiguous(openvino_run, frames):
    np.testing.assert_array_equal(openvino_run(frames[::-1]), openvino_run(frames[::-1].copy()))


def test_a_precision_that_changes_answers_is_not_taken():
    # Tells apart two neighbouring shades of 255: float32 can, bfloat16 (8 bits) cannot.
    image = keras.Input((SIZE, SIZE, 3))
    logits = keras.layers.Conv2D(3, 1, name="shades")(image)
    network = keras.Model(image, keras.layers.Softmax()(logits))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, :, 2] = 3000.1, -1000.05, -2000.04
    network.get_layer("shades").set_weights([kernel, np.zeros(3, np.float32)])
    assert make_runtime(network, "openvino").name == "OpenVINO float32"


def test_without_openvino_tensorflow_runs_it(network, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert make_runtime(network, "auto").name == "TensorFlow"
    with pytest.raises(RuntimeUnavailable, match="pip install openvino"):
        make_runtime(network, "openvino")


def test_what_openvino_cannot_convert_tensorflow_runs(network, frames, answers, monkeypatch):
    from openvino.frontend import OpConversionFailure

    def convert_model(*_):
        raise OpConversionFailure("No translator for the operation Strange.\nand more")

    monkeypatch.setattr("openvino.convert_model", convert_model)
    with pytest.raises(RuntimeUnavailable, match=r"\(No translator for the operation Strange\.\)"):
        make_runtime(network, "openvino")
    runtime = make_runtime(network, device="cpu")
    assert runtime.name == "TensorFlow"
    np.testing.assert_allclose(runtime.run(frames), answers, atol=1e-5)


def test_a_gpu_that_is_not_there_is_an_error(network, monkeypatch):
    monkeypatch.setattr("model.inference.runtimes._tensorflow_gpus", list)
    with pytest.raises(RuntimeUnavailable, match="no GPU"):
        make_runtime(network, "auto", device="gpu")
    with pytest.raises(RuntimeUnavailable, match="works on the CPU"):
        make_runtime(network, "openvino", device="gpu")


def test_on_another_backend_keras_runs_it(network, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert make_runtime(network, "auto").name == "Keras on jax"
    for name in ("openvino", "tensorflow"):
        with pytest.raises(RuntimeUnavailable, match="KERAS_BACKEND"):
            make_runtime(network, name)


def test_unknown_names_are_errors_that_list_the_known(network):
    with pytest.raises(ValueError, match=", ".join(RUNTIMES)):
        make_runtime(network, "tensorrt")
    with pytest.raises(ValueError, match=", ".join(DEVICES)):
        make_runtime(network, "auto", device="tpu")


def prediction(hero_rows):
    """One 10 x 10 frame whose first rows are surely hero."""
    frame = np.zeros((1, 10, 10, 3), np.float32)
    frame[..., 0] = 1
    frame[:, :hero_rows] = (0, 0, 1)
    return frame


def test_same_answers_are_judged_by_the_mean_and_by_the_heros_mask():
    assert predictions_agree(prediction(5), prediction(5))
    assert not predictions_agree(prediction(5), prediction(6))
    edge = prediction(5)
    edge[0, :5, :, 2] = 0.5020
    below = edge.copy()
    below[0, 0, :2, 2] = 0.5019  # two pixels that fall below the threshold are let through, three are not
    assert predictions_agree(edge, below)
    below[0, 0, 2, 2] = 0.5019
    assert not predictions_agree(edge, below)


def test_not_a_number_is_no_agreement():
    broken = prediction(5)
    broken[0, 9, 9] = np.nan
    assert not predictions_agree(prediction(5), broken)


def test_one_bad_frame_is_not_hidden_by_good_ones():
    good = np.concatenate([prediction(5)] * 50)
    bad = good.copy()
    bad[7] = prediction(0)
    assert not predictions_agree(good, bad)
