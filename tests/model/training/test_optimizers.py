"""Muon's step, against the singular values that its paper promises and against AdamW; learning rates."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from model.data.batches import SampleRequest, make_batch
from model.data.packing import pack
from model.networks import build
from model.settings import load_settings
from model.training.optimizers import Muon, learning_rate, make_optimizer
from tests.model.labelled_frames import find_frames, write_dataset

RATE = 0.01


def step_of(shape, gradient=None):
    kernel = keras.Variable(np.zeros(shape, "float32"), name="kernel")
    if gradient is None:
        gradient = 100 * np.random.default_rng(1).normal(size=shape)
    Muon(RATE, weight_decay=0.0).apply([keras.ops.convert_to_tensor(gradient, "float32")], [kernel])
    return kernel.numpy()


@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (1, 1, 24, 8), (3, 3, 16, 40)])
def test_a_kernel_between_hidden_layers_moves_as_far_in_every_direction(shape):
    outputs = shape[-1]
    # One direction has a hundred times the gradient of the others, and would have nearly all of an ordinary step.
    gradient = np.random.default_rng(2).normal(size=(np.prod(shape[:-1]), outputs))
    left, values, right = np.linalg.svd(gradient, full_matrices=False)
    values[0] *= 100
    step = step_of(shape, ((left * values) @ right).reshape(shape)).reshape(-1, outputs)
    lengths = np.linalg.svd(step, compute_uv=False) / (RATE * 0.2 * np.sqrt(max(step.shape)))
    assert lengths.min() > 0.3, lengths
    assert lengths.max() < 1.3, lengths
    assert np.sum(step * gradient.reshape(step.shape)) < 0, "downhill"


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (720, 80)])
def test_the_iteration_is_that_of_keras(shape):
    gradient = np.random.default_rng(3).normal(size=shape) * np.logspace(0, -3, shape[1])
    gradient = keras.ops.convert_to_tensor(gradient, "float32")
    ours, theirs = (kind(RATE).zeropower_via_newtonschulz5(gradient, 5) for kind in (Muon, keras.optimizers.Muon))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=2e-3)


@pytest.mark.parametrize("shape", [(4, 4, 3, 24), (4, 4, 6, 24), (3, 3, 24, 3), (3, 3, 24, 1), (16,)])
def test_the_first_and_last_kernels_depthwise_ones_and_biases_move_as_with_adamw(shape):
    step = step_of(shape)
    np.testing.assert_allclose(np.abs(step), RATE / 2, rtol=1e-3)  # Adam's first step has one length for all weights


def test_of_our_networks_kernels_the_first_and_last_move_as_with_adamw():
    kernels = {layer.name: layer.kernel for layer in build("pyramid-small").layers if hasattr(layer, "kernel")}
    optimizer = Muon(RATE)
    optimizer.build(list(kernels.values()))
    before = {name: kernel.numpy() for name, kernel in kernels.items()}
    random = np.random.default_rng(4)
    optimizer.apply(
        [keras.ops.convert_to_tensor(random.normal(size=kernel.shape), "float32") for kernel in kernels.values()]
    )
    moved = {name: kernel.numpy() - before[name] for name, kernel in kernels.items()}
    alike = {name for name, step in moved.items() if np.ptp(np.abs(step)) < 0.01 * RATE}  # as far for all weights
    assert alike == {"stem", "logits"}


STUDENTS = {
    "fcn-1": (0.1, 0.1, 64),
    "fcn-2": (0.001, 0.001, 30),
    "fcn-4": (0.01, 0.005, 80),
    "fcn-5": (0.005, 0.005, 48),
}


@pytest.mark.parametrize("preset", STUDENTS)
def test_presets_of_students_train_as_their_authors_did(preset, tmp_path):
    settings = load_settings(overrides={"preset": preset})
    first, later, batch = STUDENTS[preset]
    assert [learning_rate(settings, progress) for progress in (0, 0.49, 0.5, 0.99)] == [first, first, later, later]
    assert settings.batch_size == batch
    assert type(make_optimizer(settings, settings.mixed_precision)).__name__ == "Adam"
    # An untouched frame, as drawn: complete, not mirrored, of unchanged brightness.
    folder = write_dataset(tmp_path / "frames", 2, size=160)
    frames = pack(find_frames(folder), tmp_path / "cache", 160)
    images, labels = make_batch(
        frames, [SampleRequest(0, (-1, -1), (seed,)) for seed in range(2)], settings.augmentation
    )
    np.testing.assert_array_equal(images[0], frames.images[0])
    np.testing.assert_array_equal(labels[1], frames.labels[0])


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("trapezoid", [0.1, 1, 1, 1, 0.5]), ("cosine", [0.1, 1, 0.5, 0.25, 0.0669873])],
)
def test_the_learning_rate_rises_and_falls(schedule, expected):
    """Warm-up over a tenth, from a tenth; by hand at the start, its end, 55 %, 70 % and 85 % of the training."""
    settings = replace(load_settings(), schedule=schedule, learning_rate=1.0, warm_up=0.1, cool_down=0.3)
    rates = [learning_rate(settings, progress) for progress in (0, 0.1, 0.55, 0.7, 0.85)]
    np.testing.assert_allclose([rates[0] * 1.1, *rates[1:]], expected)
