"""Networks of other makers: whatever they take and give, once loaded they do what the network inside them does."""

import keras
import numpy as np
import pytest
from keras import layers

from model.networks import clone_with, multiply_accumulates
from model.weights import WeightsError, load_model
from model.weights.conventions import known_frames

pytestmark = pytest.mark.slow

SIZE = 128


@pytest.fixture(scope="module")
def ours() -> keras.Model:
    """The shipped network, for frames of 128 pixels."""
    return clone_with(load_model("model_weights.h5").model, dtype="float32", shape=(SIZE, SIZE, 3))


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return known_frames((SIZE, SIZE))[0].astype(np.float32)


def image(**options) -> keras.KerasTensor:
    return keras.Input((SIZE, SIZE, 3), **options)


def logits(network: keras.Model) -> keras.Model:
    return keras.Model(network.input, network.layers[-1].input)  # of the softmax


def swapped(network: keras.Model, channels: list[int], before: bool) -> keras.Model:
    """The network with the channels of its input or output in another order."""
    x = image()
    parts = [layers.Conv2D(3, 1, use_bias=False, name="swap"), network]
    result = keras.Sequential([x, *(parts if before else reversed(parts))])
    result.get_layer("swap").set_weights([np.eye(3)[None, None][..., channels]])
    return result


def sigmoid(network: keras.Model) -> keras.Model:
    """Three independent probabilities: those of softmax, halved."""
    log_odds = layers.Conv2D(3, 1, activation="sigmoid")
    result = keras.Sequential([image(), network, log_odds])
    log_odds.set_weights([np.eye(3)[None, None] * 12, np.full(3, -6.0)])
    return result


def rescaled(network: keras.Model, scale: float, offset: float) -> keras.Model:
    return keras.Sequential([image(), layers.Rescaling(scale, offset), network])


SAME = {
    "logits": (logits, "takes RGB in 0..255, ends in logits, softmax added"),
    "0..1": (lambda network: rescaled(network, 255, 0), "takes RGB in 0..1"),
    "-1..1": (lambda network: rescaled(network, 127.5, 127.5), "takes RGB in -1..1"),
    "-1..1 and logits": (
        lambda network: rescaled(logits(network), 127.5, 127.5),
        "takes RGB in -1..1, ends in logits, softmax added",
    ),
    "BGR": (lambda network: swapped(network, [2, 1, 0], before=True), "takes BGR in 0..255"),
    "classes in another order": (
        lambda network: swapped(network, [2, 0, 1], before=False),
        "takes RGB in 0..255, gives hero, background, people",
    ),
    "nested": (
        lambda network: keras.Sequential([image(), keras.Sequential([image(), network])]),
        "takes RGB in 0..255",
    ),
    "lists": (lambda network: keras.Model([network.input], [network.output]), "takes RGB in 0..255"),
    "a batch of one size": (
        lambda network: keras.Model(x := keras.Input(batch_shape=(3, SIZE, SIZE, 3)), network(x)),
        "takes RGB in 0..255",
    ),
    "integers": (
        lambda network: keras.Model(x := image(dtype="uint8"), network(layers.Rescaling(1.0)(x))),
        "takes RGB in 0..255",
    ),
    "pixels in a row": (
        lambda network: keras.Sequential([image(), network, layers.Reshape((SIZE * SIZE, 3))]),
        "takes RGB in 0..255",
    ),
}


@pytest.mark.parametrize("kind", SAME)
def test_once_loaded_they_do_what_the_network_inside_does(ours, frames, tmp_path, kind):
    wrap, description = SAME[kind]
    wrap(ours).save(tmp_path / "theirs.keras")
    loaded = load_model(tmp_path / "theirs.keras")
    assert loaded.convention == description
    np.testing.assert_allclose(loaded.model(frames), ours(frames), atol=2e-3)
    flat = [layer for layer in loaded.model.layers if not isinstance(layer, keras.Model)]
    assert flat == loaded.model.layers  # so that it can be cloned for other sizes
    assert multiply_accumulates(loaded.model) == pytest.approx(multiply_accumulates(ours), rel=0.01)


def test_independent_probabilities_add_up_to_one_and_keep_their_order(ours, frames, tmp_path):
    network = sigmoid(ours)
    network.save(tmp_path / "theirs.keras")
    loaded = load_model(tmp_path / "theirs.keras")
    assert loaded.convention == "takes RGB in 0..255, ends in sigmoid, softmax added"
    independent = np.asarray(network(frames))
    expected = independent / independent.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(loaded.model(frames), expected, atol=1e-4)


def test_a_network_that_finds_nobody_is_said_to_be_a_guess(tmp_path):
    x = keras.Input((8, 12, 3))
    keras.Model(x, layers.Conv2D(3, 1, kernel_initializer="zeros", activation="softmax")(x)).save(
        tmp_path / "new.keras"
    )
    loaded = load_model(tmp_path / "new.keras")
    assert loaded.convention.startswith("takes RGB in 0..255, a guess (it detects no one in the known frames; if")
    assert (loaded.input_size, loaded.is_adapted) == ((8, 12), False)


def test_what_a_network_with_a_rescaling_layer_takes_is_no_guess(tmp_path):
    x = keras.Input((8, 12, 3))
    network = keras.Model(x, layers.Conv2D(3, 1, activation="softmax")(layers.Rescaling(1 / 255)(x)))
    network.save(tmp_path / "new.keras")
    assert load_model(tmp_path / "new.keras").convention == "takes RGB in 0..255"


@pytest.mark.parametrize("nested", [False, True])
def test_what_a_network_of_keras_2_with_a_rescaling_layer_takes_is_no_guess(legacy_files, nested):
    files = legacy_files
    inside = [files.input(), files.layer("Rescaling", "rescaling", "input_1", scale=1 / 255, offset=0)]
    network = files.functional([*inside, files.conv("a", "rescaling", activation="softmax")], "a", name="inner")
    if nested:
        network |= {"name": "inner", "inbound_nodes": [[["input_1", 0, 0, {}]]]}
        network = files.functional([files.input(), network], ("inner", 1, 0))
    kernel, bias = -3 * np.eye(3, dtype=np.float32), np.array([3, 0, 0], np.float32)
    arrays = {"a/kernel:0": kernel[None, None], "a/bias:0": bias}
    loaded = load_model(files.write(network, {"inner" if nested else "a": arrays}))
    assert loaded.convention == "takes RGB in 0..255"
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 6, 8, 3)).astype(np.float32)
    expected = keras.ops.softmax(pixels / 255 @ kernel + bias)
    np.testing.assert_allclose(loaded.model(pixels), expected, atol=1e-5)


def test_a_network_for_any_size_gets_that_of_the_camera(tmp_path):
    x = keras.Input((None, None, 3))
    keras.Model(x, layers.Conv2D(3, 1, activation="softmax")(x)).save(tmp_path / "any.keras")
    loaded = load_model(tmp_path / "any.keras")
    assert (loaded.input_size, loaded.is_adapted) == ((256, 256), True)  # its file takes any


def two_outputs(x):
    return [layers.Conv2D(3, 1, activation="softmax")(x), layers.Conv2D(3, 1, activation="softmax")(x)]


X = (8, 8, 3)
REFUSED = {
    "two outputs": (X, two_outputs, "gives 2 outputs; expected one"),
    "one class": (X, layers.Conv2D(1, 1, activation="sigmoid"), r"returns \(None, 8, 8, 1\); expected .* background,"),
    "one label for an image": (X, layers.GlobalAveragePooling2D(), r"returns \(None, 3\)"),
    "grey images": ((8, 8, 1), layers.Conv2D(3, 1), r"takes \(None, 8, 8, 1\); expected .* RGB"),
    "not finite": (X, layers.Conv2D(3, 1, activation="exponential", bias_initializer="ones"), "not finite"),
    "softmax over rows": (X, layers.Softmax(axis=1), "do not add up to 1; end the network with softmax"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_used_is_one_sentence(tmp_path, kind):
    shape, layer, reason = REFUSED[kind]
    x = keras.Input(shape)
    network = keras.Model(x, layer(x))
    network.set_weights([np.full(w.shape, 10.0) for w in network.get_weights()])
    network.save(tmp_path / "theirs.keras")
    with pytest.raises(WeightsError, match=reason) as error:
        load_model(tmp_path / "theirs.keras")
    assert str(tmp_path / "theirs.keras") in str(error.value)
    assert "\n" not in str(error.value)
