"""The networks, the loss and the optimizer in PyTorch do what those of Keras do; the command leaves usable networks."""

import sys
from contextlib import closing
from dataclasses import replace

import keras
import numpy as np
import pytest

from model.data.batches import BatchLoader
from model.data.packing import pack
from model.networks import Pyramid, clone_with
from model.settings import LossSettings, load_settings
from model.training.losses import segmentation_loss as keras_loss
from model.training.optimizers import make_optimizer
from model.training.validation import find_errors as keras_errors
from model.weights import load_model
from tests.model.labelled_frames import find_frames, write_dataset

torch = pytest.importorskip("torch", reason="needs PyTorch, which this project does not require")

from scripts.gpu_training import __main__ as command  # noqa: E402
from scripts.gpu_training.learners import Learners, Trained  # noqa: E402
from scripts.gpu_training.losses import segmentation_loss, teach  # noqa: E402
from scripts.gpu_training.mining import find_errors, find_unlearnable  # noqa: E402
from scripts.gpu_training.optimizer import Muon  # noqa: E402
from scripts.gpu_training.pyramid import TorchPyramid, write_weights  # noqa: E402
from scripts.gpu_training.training import Phase, train  # noqa: E402

DESIGN = Pyramid((8, 16, 24), (1, 0, 2), (1, 2), detail=4)
CPU = torch.device("cpu")
WEIGHTS = torch.tensor([1.0, 2.0, 3.0])  # of the classes


def random_network(seed):
    """A network none of whose weights is zero."""
    network, random = DESIGN.build(64), np.random.default_rng(seed)
    network.set_weights([random.normal(0, 0.1, weight.shape) for weight in network.get_weights()])
    return network


def random_samples(seed, count=4, size=64):
    random = np.random.default_rng(seed)
    labels = random.choice(3, (count, size, size), p=(0.8, 0.15, 0.05)).astype(np.uint8)
    labels[0][labels[0] == 2] = 1  # one image does not show the target
    return random.integers(0, 256, (count, size, size, 3), np.uint8), labels


def as_planes(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


def test_a_network_predicts_what_it_does_in_keras():
    network = random_network(1)
    images, _ = random_samples(2)
    theirs = TorchPyramid(DESIGN, network, CPU, torch.float32).probabilities(as_planes(images))
    np.testing.assert_allclose(theirs.permute(0, 2, 3, 1).numpy(), np.asarray(network(images)), atol=1e-5)


def test_weights_come_back_unchanged():
    network, other = random_network(1), random_network(3)
    write_weights(TorchPyramid(DESIGN, network, CPU, torch.float32).parameters, other)
    for ours, theirs in zip(other.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("late", [False, True])
def test_the_loss_is_that_of_keras(late):
    scores = np.random.default_rng(4).normal(0, 2, (4, 64, 64, 3)).astype(np.float32)
    _, labels = random_samples(5)
    settings = replace(LossSettings(), false_positive=(0.3, 0.8))
    expected = keras_loss(settings, 32 * 32, late)(labels, keras.ops.softmax(scores))
    weight = torch.tensor(settings.false_positive[late])
    ours = segmentation_loss(as_planes(scores), torch.from_numpy(labels), settings, 32 * 32, WEIGHTS, weight)
    np.testing.assert_allclose(ours.numpy(), np.asarray(expected), rtol=1e-4)


def test_a_student_learns_no_target_where_none_is_labelled():
    _, labels = random_samples(6)
    teacher = torch.tensor([0.2, 0.2, 0.6]).view(1, 3, 1, 1).expand(4, 3, 64, 64)
    taught = teach(teacher, torch.from_numpy(labels))
    np.testing.assert_allclose(taught[0, :, 0, 0], [0.5, 0.5, 0.0], atol=1e-6)
    np.testing.assert_allclose(taught[1:], teacher[1:], atol=1e-6)


def test_agreement_with_the_teacher_is_rewarded():
    _, labels = random_samples(7)
    labels = torch.from_numpy(labels)
    scores = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 3

    def loss(student):
        soft = torch.softmax(scores, 1)
        return segmentation_loss(student, labels, LossSettings(), 64 * 64, WEIGHTS, torch.tensor(0.3), soft)

    other = torch.roll(scores, 1, dims=3)
    assert torch.all(loss(scores) < loss(other))


def test_the_optimizer_moves_as_that_of_keras():
    network = random_network(8)
    ours = TorchPyramid(DESIGN, network, CPU, torch.float32)
    settings = replace(load_settings(), learning_rate=0.01)
    theirs = make_optimizer(settings, "float32")
    optimizer = Muon(list(ours.parameters.values()), settings.weight_decay, settings.clip_norm)
    optimizer.rate.fill_(settings.learning_rate)
    random = np.random.default_rng(9)
    for _ in range(4):
        gradients = [random.normal(0, 0.3, weight.shape).astype(np.float32) for weight in network.get_weights()]
        theirs.apply([keras.ops.convert_to_tensor(each) for each in gradients], network.trainable_variables)
        optimizer.step([torch.from_numpy(g.transpose(3, 2, 0, 1) if g.ndim == 4 else g) for g in gradients])
    moved = random_network(8)
    write_weights(ours.parameters, moved)
    names = [variable.path for variable in network.trainable_variables]
    for name, mine, their, start in zip(
        names, moved.get_weights(), network.get_weights(), random_network(8).get_weights(), strict=True
    ):
        assert np.abs(mine - their).max() < 0.02 * np.abs(their - start).max(), name


def test_without_clipping_a_step_is_that_of_a_limit_which_no_gradient_reaches():
    moved = []
    for clip_norm in (0.0, 1e6):
        parameters = [torch.ones(8, 8, 3, 3), torch.ones(8), torch.ones(8)]
        optimizer = Muon(parameters, decay=0.0, clip_norm=clip_norm)
        optimizer.rate.fill_(0.1)
        optimizer.step([*map(torch.ones_like, parameters[:2]), torch.zeros(8)])
        moved.append(parameters)
    for unlimited, limited in zip(*moved, strict=True):
        np.testing.assert_array_equal(unlimited, limited)
    assert not torch.any(moved[0][0] == 1)


def test_averages_follow_the_parameters():
    parameters = [torch.ones(8, 8, 3, 3, requires_grad=True), torch.ones(8, requires_grad=True)]
    optimizer = Muon(parameters, decay=0.0, clip_norm=1.0)
    optimizer.rate.fill_(0.1)
    optimizer.ema_decay.fill_(0.75)
    optimizer.step([torch.ones_like(each) for each in parameters])
    for average, parameter in zip(optimizer.averages, parameters, strict=True):
        assert not torch.any(parameter == 1)
        np.testing.assert_allclose(average, 0.75 + 0.25 * parameter.detach(), rtol=1e-6)


def test_errors_in_frames_are_found_as_in_keras(tmp_path):
    frames = pack(find_frames(write_dataset(tmp_path / "data", 30)), tmp_path / "cache")
    network = random_network(11)
    found = TorchPyramid(DESIGN, network, CPU, torch.float32)
    ours = find_errors(Trained(found, found.parameters), frames, frames.usable)
    any_size = clone_with(network, dtype="float32", shape=(None, None, 3))
    np.testing.assert_array_equal(ours, keras_errors(any_size.predict_on_batch, frames, frames.usable))
    assert (ours >= 0).any(), "a network of random weights errs"
    missed = set(find_unlearnable(Trained(found, found.parameters), frames))
    assert missed == {row for row in frames.usable if ours[row, 0] >= 0 and frames.areas[row, 2]}


def test_a_diverged_training_replaces_no_file(tmp_path):
    frames = pack(find_frames(write_dataset(tmp_path / "data", 6)), tmp_path / "cache")
    network = TorchPyramid(DESIGN, random_network(12), CPU, torch.float32)
    settings = replace(load_settings(), batch_size=2, full_frame_fraction=0.0)
    phase, saved = Phase("teacher", 1.0, settings, "pyramid", early=0.0), []
    learners = Learners({"pyramid": network}, settings)
    next(iter(network.parameters.values())).data.fill_(np.nan)  # as steps that are too large do
    with (
        closing(BatchLoader(frames, settings.sampling, settings.seed, 0)) as loader,
        pytest.raises(RuntimeError, match="diverged: the weights of pyramid became infinite or NaN"),
    ):
        train(learners, loader, phase, lambda: saved.append(phase))
    assert not saved


def test_the_command_trains_a_teacher_and_students(tmp_path, monkeypatch, capsys):
    data, settings = write_dataset(tmp_path / "data", 12), tmp_path / "small.toml"
    settings.write_text("batch_size = 2\nfull_frame_batch_size = 1\n")
    options = ["--data", str(data), "--out", str(tmp_path / "out"), "--settings", str(settings), "--workers", "1"]
    options += ["--teacher", "pyramid-small", "--students", "pyramid", "pyramid-detail", "--minutes", "0.3"]
    monkeypatch.setattr(sys, "argv", ["gpu_training", *options, "--cache", str(tmp_path / "cache")])
    assert command.main() == 0, capsys.readouterr()
    for name in ("pyramid-small", "pyramid", "pyramid-detail"):
        loaded = load_model(tmp_path / "out" / f"{name}.h5")
        assert len(loaded.seen_in_training) == 12
        assert all(np.isfinite(weight).all() for weight in loaded.model.get_weights())


@pytest.mark.parametrize(
    ("students", "message"),
    [(["pyramid"], "pyramid-small.h5 is there already"), (["pyramid-small"], "expected different presets")],
)
def test_no_network_is_replaced(tmp_path, monkeypatch, capsys, students, message):
    (tmp_path / "pyramid-small.h5").write_bytes(b"hours of work")
    options = ["--data", "data", "--out", str(tmp_path), "--teacher", "pyramid-small", "--students", *students]
    monkeypatch.setattr(sys, "argv", ["gpu_training", *options])
    assert command.main() == 2
    assert message in capsys.readouterr().err
    assert (tmp_path / "pyramid-small.h5").read_bytes() == b"hours of work"


def test_presets_of_other_families_are_refused(tmp_path, monkeypatch, capsys):
    data = write_dataset(tmp_path / "data", 2)
    options = ["--data", str(data), "--out", str(tmp_path / "out"), "--students", "fcn-4", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", ["gpu_training", *options])
    assert command.main() == 2
    assert "family Pyramid, got fcn-4" in capsys.readouterr().err


def test_ignored_pixels_are_refused(tmp_path, monkeypatch, capsys):
    data = write_dataset(tmp_path / "data", 2)
    (data / "classes.toml").write_text(
        'target = "hero"\nignored = "#000000"\n'
        '[classes]\nbackground = "#ff0000"\npeople = "#00ff00"\nhero = "#0000ff"\n'
    )
    options = ["--data", str(data), "--out", str(tmp_path / "out"), "--workers", "1", "--minutes", "0.1"]
    monkeypatch.setattr(sys, "argv", ["gpu_training", *options])
    assert command.main() == 2
    assert f"expected a class for each pixel, but {data / 'masks'} has ignored ones" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--minutes", "0"), ("--workers", "-1")])
def test_impossible_numbers_are_refused(tmp_path, monkeypatch, capsys, wrong):
    monkeypatch.setattr(sys, "argv", ["gpu_training", "--data", "x", "--out", str(tmp_path / "out"), *wrong])
    with pytest.raises(SystemExit):
        command.main()
    assert wrong[0] in capsys.readouterr().err
