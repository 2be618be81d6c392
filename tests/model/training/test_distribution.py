"""Training on two worker processes: it runs, and learns what one process learns."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from model import networks
from model.training.distribution import Distribution
from model.training.run_folder import RunFolder
from model.weights import load_model, save_model
from tests.model.labelled_frames import write_dataset
from tests.model.training.train_command import train

pytestmark = pytest.mark.training

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = """
batch_size = 4
steps_per_epoch = 3
fine_tuning_learning_rate = 0.001
clip_norm = 0.0
full_frame_fraction = 0.0
mixed_precision = "float32"
[augmentation]
crop = 64
"""


def prepare(folder):
    """Write frames, settings and a small network to begin with; return the arguments for them."""
    data = write_dataset(folder / "train", 6)
    keras.utils.set_random_seed(0)
    init = save_model(networks.Pyramid((8, 16), (1, 1), (1,)).build(64), folder / "init.h5")
    (folder / "settings.toml").write_text(SETTINGS)
    arguments = ["--workers", "0", "--data", str(data), "--no-validation"]
    return [
        *arguments,
        "--init",
        str(init),
        "--settings",
        str(folder / "settings.toml"),
        "--cache",
        str(folder / "cache"),
    ]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="needs TensorFlow")
def test_two_workers_train_as_one_does(tmp_path):
    arguments = [*prepare(tmp_path), "--epochs", "2"]
    status, printed = train(*arguments, "--run", tmp_path / "one")
    assert status == 0, printed

    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    workers = []
    for index in range(2):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        call = [sys.executable, "-m", "model.train", *arguments, "--strategy", "multiworker"]
        workers.append(
            subprocess.Popen(
                [*call, "--run", str(tmp_path / "two")],
                cwd=ROOT,
                env=os.environ | {"TF_CONFIG": config, "TF_NUM_INTRAOP_THREADS": "1", "COLUMNS": "200"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    try:
        printed = [worker.communicate(timeout=400)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], "\n".join(printed)
    one, two = (RunFolder(tmp_path / name) for name in ("one", "two"))
    losses = [[float(row["loss"]) for row in each.results()] for each in (one, two)]
    assert len(losses[1]) == 2
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
    for alone, shared in zip(
        load_model(one.last).model.get_weights(), load_model(two.last).model.get_weights(), strict=True
    ):
        np.testing.assert_allclose(alone, shared, atol=2e-3)


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="needs TensorFlow")
def test_a_training_begun_alone_goes_on_with_a_strategy(tmp_path):
    begin = [*prepare(tmp_path), "--run", str(tmp_path / "alone"), "--epochs", "1"]
    status, printed = train(*begin)
    assert status == 0, printed
    shutil.copytree(tmp_path / "alone", tmp_path / "shared")
    for name, strategy in (("alone", []), ("shared", ["--strategy", "mirrored"])):
        status, printed = train("--resume", tmp_path / name, "--epochs", "3", *strategy)
        assert status == 0, printed
    alone, shared = (RunFolder(tmp_path / name).results() for name in ("alone", "shared"))
    assert len(shared) == 3
    np.testing.assert_allclose([float(row["loss"]) for row in alone], [float(row["loss"]) for row in shared], rtol=1e-3)


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="needs TensorFlow")
@pytest.mark.parametrize("setting", ["batch_size", "full_frame_batch_size"])
def test_batches_that_cannot_be_divided_are_refused_before_frames_are_read(tmp_path, monkeypatch, setting):
    class EightReplicas(Distribution):
        def __init__(self, strategy):
            super().__init__(strategy)
            self.replicas = 8

    monkeypatch.setattr("model.training.distribution.Distribution", EightReplicas)
    sizes = {"batch_size": 64, "full_frame_batch_size": 16} | {setting: 12}
    (tmp_path / "settings.toml").write_text("".join(f"{name} = {size}\n" for name, size in sizes.items()))
    given = "--settings", tmp_path / "settings.toml", "--strategy", "mirrored", "--run", tmp_path / "run"
    status, printed = train("--data", tmp_path / "missing", *given)
    assert status == 2
    assert printed.startswith(f"expected a {setting} that can be divided among 8 replicas, got 12: set a multiple of 8")


def test_what_a_distributed_training_needs_is_said_at_once(tmp_path, monkeypatch):
    def say(*arguments):
        status, printed = train("--data", tmp_path, "--strategy", "multiworker", *arguments)
        assert status == 2
        return printed

    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert "TF_CONFIG" in say("--run", str(tmp_path / "run"), "--epochs", "1")
    assert "--run" in say("--epochs", "1")
    assert "--epochs" in say("--run", str(tmp_path / "run"), "--minutes", "1")
