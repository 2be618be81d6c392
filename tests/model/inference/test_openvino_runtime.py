"""The OpenVINO runtime: batches of any size, safe from several callers, and no precision that changes predictions."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from model import networks
from model.inference.openvino_graph import convert_to_openvino
from model.inference.openvino_runtime import predictions_agree
from model.inference.runtimes import compile_network
from tests.model.devices import pretend_fast_bfloat16, pretend_gpu

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def predict(network):
    return compile_network(network, "openvino").predict


def test_batches_of_any_size_in_any_order(network, predict, frames):
    expected = np.asarray(network(frames.astype(np.float32), training=False))
    for count in (1, 4, 2, 6, 1):
        result = predict(frames[:count])
        assert result.shape == (count, *frames.shape[1:3], 3)
        np.testing.assert_allclose(result, expected[:count], atol=0.02)


def test_telemetry_is_off(predict):
    """The converter's telemetry forks processes that connect to Google Analytics."""
    from openvino.tools.ovc import telemetry_stub, telemetry_utils

    assert telemetry_utils.tm is telemetry_stub


def test_results_stay_when_the_next_frame_comes(predict, frames):
    first = predict(frames[:1])
    copy = first.copy()
    predict(frames[1:2])
    np.testing.assert_array_equal(first, copy)


def test_frames_need_not_be_contiguous(predict, frames):
    np.testing.assert_array_equal(predict(frames[::-1]), predict(frames[::-1].copy()))


def test_a_precision_that_changes_predictions_is_not_used():
    # Distinguishes two neighbouring shades of 255: float32 can, bfloat16 (8 bits) cannot.
    image = keras.Input((64, 64, 3))
    logits = keras.layers.Conv2D(3, 1, name="shades")(image)
    network = keras.Model(image, keras.layers.Softmax()(logits))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, :, 2] = 3000.1, -1000.05, -2000.04
    network.get_layer("shades").set_weights([kernel, np.zeros(3, np.float32)])
    assert compile_network(network, "openvino").runtime == "OpenVINO float32"


@pytest.mark.parametrize(("precision", "used"), [("fastest", "bfloat16"), ("float32", "float32")])
def test_only_the_fastest_precision_depends_on_a_timing(network, monkeypatch, precision, used):
    pretend_fast_bfloat16(monkeypatch)
    assert compile_network(network, "openvino", precision=precision).runtime == f"OpenVINO {used}"


def test_frames_together_give_what_each_gives_alone(predict, frames):
    alone = np.concatenate([predict(frame[None]) for frame in frames])
    np.testing.assert_array_equal(predict(frames), alone)


def test_callers_on_several_threads_get_their_own_results(predict, frames):
    expected = predict(frames)
    orders = [np.roll(np.arange(len(frames)), shift)[: 1 + shift % 3] for shift in range(24)]
    with ThreadPoolExecutor(4) as pool:
        for order, result in zip(orders, pool.map(lambda order: predict(frames[order]), orders), strict=True):
            np.testing.assert_array_equal(result, expected[order])


def test_the_pixels_of_a_class_lie_side_by_side(predict, frames):
    assert predict(frames)[0, ..., 2].flags.c_contiguous
    assert predict(frames[:1])[0, ..., 2].flags.c_contiguous


def test_an_intel_gpu_is_used_if_it_is_asked_for(network, frames, monkeypatch):
    pretend_gpu(monkeypatch)
    compiled = compile_network(network, "openvino", device="gpu")
    assert (compiled.runtime, compiled.device) == ("OpenVINO float16", "Pretended GPU")
    expected = np.asarray(network(frames.astype(np.float32), training=False))
    for count in (1, 6, 3):
        np.testing.assert_allclose(compiled.predict(frames[:count]), expected[:count], atol=0.02)
    assert compile_network(network, "openvino", device="auto").device != "Pretended GPU"


def test_the_final_softmax_is_computed_before_channels_become_innermost():
    graph = convert_to_openvino(networks.build("pyramid-small", 32))
    (result,) = graph.get_results()
    last = result.input_value(0).get_node()
    assert [last.get_type_name(), last.input_value(0).get_node().get_type_name()] == ["Transpose", "Softmax"]


def prediction(target_rows):
    """One 10 x 10 frame whose first rows are the target with certainty."""
    frame = np.zeros((1, 10, 10, 3), np.float32)
    frame[..., 0] = 1
    frame[:, :target_rows] = (0, 0, 1)
    return frame


def test_predictions_agree_by_the_mean_and_by_the_targets_mask():
    assert predictions_agree(prediction(5), prediction(5))
    assert not predictions_agree(prediction(5), prediction(6))
    edge = prediction(5)
    edge[0, :5, :, 2] = 0.5020
    below = edge.copy()
    below[0, 0, :2, 2] = 0.5019  # two pixels that fall below the threshold are accepted, three are not
    assert predictions_agree(edge, below)
    below[0, 0, 2, 2] = 0.5019
    assert not predictions_agree(edge, below)


def test_the_targets_probabilities_are_held_to_half_a_step_of_8_bits_and_all_to_one():
    expected, step = prediction(0), 1 / 255
    for shift, agrees in ((0.9, True), (1.6, False)):  # of background and people, two of the three classes
        other = expected + np.float32(shift * step) * np.array([-1, 1, 0])
        assert predictions_agree(expected, other) == agrees
    for shift, agrees in ((0.4, True), (0.6, False)):
        other = expected + np.float32(shift * step) * np.array([-1, 0, 1])
        assert predictions_agree(expected, other) == agrees
    assert not predictions_agree(expected, expected + np.float32(0.9 * step) * np.array([-1, 1, 0]), target=None)


def test_nan_agrees_with_nothing():
    broken = prediction(5)
    broken[0, 9, 9] = np.nan
    assert not predictions_agree(prediction(5), broken)


def test_one_bad_frame_is_not_hidden_by_good_ones():
    good = np.concatenate([prediction(5)] * 50)
    bad = good.copy()
    bad[7] = prediction(0)
    assert not predictions_agree(good, bad)
