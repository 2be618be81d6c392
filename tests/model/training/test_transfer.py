"""Frozen levels stay as they are, encoders learn at their own rate, and L2 is a part of the loss."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from model import networks
from model.settings import LossSettings, TrainSettings
from model.training.arguments import parse
from model.training.initialization import adapt_settings
from model.training.optimizers import make_optimizer
from model.training.transfer import prepare

RATE, L2 = 0.01, 0.1
SETTINGS = TrainSettings(learning_rate=RATE, fine_tuning_learning_rate=RATE / 2, weight_decay=0.0, clip_norm=0.0)
NETWORK = networks.Pyramid((8, 16), (1, 1), (1,))


def steps(settings):
    """Train for one step; return the root mean square change of each kernel by layer, the loss, and that without L2."""
    keras.utils.set_random_seed(0)
    network = NETWORK.build(16)
    optimizer = make_optimizer(settings, "float32", prepare(network, settings))
    network.compile(optimizer, lambda labels, result: keras.ops.mean((result - labels) ** 2), run_eagerly=True)
    random = np.random.default_rng(0)
    images, labels = random.uniform(0, 255, (2, 16, 16, 3)), random.uniform(0, 1, (2, 16, 16, 3))
    before = {layer.name: layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")}
    error = float(np.mean((np.asarray(network(images)) - labels) ** 2))
    loss = network.train_on_batch(images, labels)
    changes = {name: network.get_layer(name).kernel.numpy() - kernel for name, kernel in before.items()}
    return {name: float(np.sqrt(np.mean(each**2))) for name, each in changes.items()}, float(loss), error, before


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_an_encoder_learns_at_its_own_rate_and_frozen_levels_not_at_all(optimizer):
    settings = replace(SETTINGS, optimizer=optimizer)
    usual, *_ = steps(settings)
    changes, *_ = steps(replace(settings, encoder_learning_rate=0.1, frozen_levels=1))
    assert changes["stem"] == changes["encoder0_0_a"] == 0
    for name in ("down1", "encoder1_0_b"):
        assert changes[name] == pytest.approx(0.1 * usual[name], rel=0.01), name
    for name in ("reduce0", "lateral0", "decoder0_0", "logits"):
        assert changes[name] == pytest.approx(usual[name], rel=0.01), name


def test_a_slow_encoder_is_not_decayed_towards_zero():
    settings = replace(SETTINGS, optimizer="adamw", weight_decay=5.0)
    expected, *_ = steps(replace(settings, weight_decay=0.0, encoder_learning_rate=0.1))
    changes, *_ = steps(replace(settings, encoder_learning_rate=0.1))
    assert changes["down1"] == pytest.approx(expected["down1"], rel=0.01)
    assert changes["reduce0"] > 1.5 * expected["reduce0"]


def test_the_squares_of_the_kernels_behind_the_encoder_are_in_the_loss():
    _, loss, error, kernels = steps(replace(SETTINGS, loss=LossSettings(l2=L2)))
    penalised = [kernel for name, kernel in kernels.items() if not name.startswith(("stem", "down", "encoder"))]
    assert loss == pytest.approx(error + L2 * sum(float(np.sum(kernel**2)) for kernel in penalised), rel=1e-4)


@pytest.mark.parametrize("preset", ["pyramid", "fcn-2", "fcn8-vgg16", "efficientnet-lite0"])
def test_the_levels_of_an_encoder_are_those_of_its_resolutions(preset):
    network = networks.build(preset, 64)
    sizes: dict[int, set[int]] = {}
    for layer in network.layers:
        if (level := networks.encoder_level(layer.name)) and layer.weights:
            sizes.setdefault(level, set()).add(layer.output.shape[1])
    assert sorted(sizes) == list(range(1, 1 + len(sizes)))
    assert all(len(each) == 1 for each in sizes.values())
    assert [max(sizes[level]) for level in sorted(sizes)] == sorted(
        (max(each) for each in sizes.values()), reverse=True
    )


def test_networks_without_a_known_encoder_and_without_anything_left_to_train_are_errors():
    image = keras.Input((32, 32, 3))
    other = keras.Model(image, layers.Softmax()(layers.Conv2D(3, 1)(image)))
    with pytest.raises(ValueError, match="known by name"):
        prepare(other, replace(SETTINGS, frozen_levels=1))
    assert prepare(other, SETTINGS) == []


def test_only_encoders_that_have_learnt_something_are_frozen_or_slow():
    settings = replace(SETTINGS, frozen_levels=2, encoder_learning_rate=0.1)
    network = NETWORK.build(32)
    fresh, transferred, tuned = (
        adapt_settings(settings, network, *cases) for cases in ((False, False), (False, True), (True, False))
    )
    assert (fresh.frozen_levels, fresh.encoder_learning_rate) == (0, 1.0)
    assert (transferred.frozen_levels, transferred.encoder_learning_rate) == (2, 0.1)
    assert (tuned.frozen_levels, tuned.encoder_learning_rate) == (2, 0.1)
    assert transferred.learning_rate == settings.learning_rate > tuned.learning_rate


def test_weights_for_all_layers_and_for_the_encoder_exclude_each_other():
    with pytest.raises(ValueError, match="give one of them"):
        parse(None, ["--data", ".", "--init", "a.h5", "--encoder-weights", "imagenet"])
