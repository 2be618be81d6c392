"""An interrupted training can be resumed, however it ended, and keeps its settings."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model import networks
from model.settings import load_settings
from model.training.run_folder import RunFolder
from model.training.trainer import Trainer
from model.weights import load_model, save_model
from tests.model.labelled_frames import paint, write_frame
from tests.model.training.train_command import arguments, train

pytestmark = pytest.mark.training
ROOT = Path(__file__).resolve().parents[3]
KILLS = 5
# Each start is a fork of a process that has imported TensorFlow, but not used it: all take the time of one import.
KILLED = """
import os, random, sys, time
from pathlib import Path
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from model import train as command


def modified(checkpoint):
    return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

if __name__ == "__main__":
    import_tensorflow_quietly()
    from model.evaluation import promotion
    from model.training import trainer
    random.seed(5)
    run, kills = Path(sys.argv[1]), int(sys.argv[2])
    for kill in range(kills):
        options = ["--resume", str(run)] if (run / "arguments.json").exists() else sys.argv[3:]
        before = modified(run / "checkpoint.npz")
        child = os.fork()
        if child == 0:
            os._exit(command.main(["--workers", "0", *options]))
        deadline = time.monotonic() + 120
        while kill and modified(run / "checkpoint.npz") == before and time.monotonic() < deadline:  # the first: at once
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.3))
        os.kill(child, 9)
        how = os.waitpid(child, 0)[1]
        print(how == 9, (run / "checkpoint.npz").exists(), (run / "last.h5").exists(), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
def test_a_training_killed_at_random_moments_continues_along_the_same_curve(data, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = (data / "settings.toml", "--cache", data / "cache")  # with a constant learning rate the end can be moved
    unvalidated = ("--data", data / "train", "--no-validation", "--settings", *settings)
    (tmp_path / "killed.py").write_text(KILLED)
    call = [sys.executable, tmp_path / "killed.py", broken, KILLS, *unvalidated, "--run", broken, "--epochs", 9999]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    printed = subprocess.run(list(map(str, call)), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True).stdout
    kills = [line.split() for line in printed.splitlines() if line.startswith(("True", "False"))]
    assert [kill[0] for kill in kills] == ["True"] * KILLS, printed  # none had finished
    assert kills[0][1:] == ["False", "False"]  # before the first checkpoint
    assert kills[1][1:] == kills[-1][1:] == ["True", "True"]
    (broken / ".last-1.h5").write_bytes(b"half")
    epochs = len(RunFolder(broken).results()) + 1
    status, printed = train("--resume", broken, "--epochs", epochs)
    assert status == 0, printed
    assert not (broken / ".last-1.h5").exists()

    assert train(*unvalidated, "--run", whole, "--epochs", epochs)[0] == 0
    one, other = (RunFolder(path).results() for path in (whole, broken))
    assert [row["epoch"] for row in other] == [str(number) for number in range(1, epochs + 1)]
    np.testing.assert_allclose([float(row["loss"]) for row in other], [float(row["loss"]) for row in one], rtol=0.05)


def test_without_validation_there_is_a_model_after_every_epoch(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    epoch = Trainer._train_epoch

    def interrupted(trainer, *arguments):
        if trainer.epoch == 2:
            raise KeyboardInterrupt
        return epoch(trainer, *arguments)

    monkeypatch.setattr(Trainer, "_train_epoch", interrupted)
    given = [*arguments(data, run, validation=False), "--epochs", 3]
    assert train(*given)[0] == 130
    assert load_model(run / "last.h5").metadata["epoch"] == 2


def resumed(run, monkeypatch, *given):
    """Settings and minutes that the trainer gets when a training is resumed."""
    started = []

    def remember(trainer, validation, minutes):
        started.append((trainer.settings, minutes))
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "fit", remember)
    status, printed = train("--resume", run, *given)
    assert status == 130, printed
    return started[0]


def test_a_resumed_training_keeps_its_settings(data, tmp_path, monkeypatch):
    run, mine = tmp_path / "run", tmp_path / "mine.toml"
    mine.write_text((data / "settings.toml").read_text())
    given = [*arguments(data, run, validation=False), "--settings", mine, "--epochs", 1]
    assert train(*given)[0] == 0
    mine.write_text("batch_size = 7\n")  # for another training
    stored = json.loads((run / "settings.json").read_text())
    stored["of_an_older_version"] = 1
    del stored["loss"]["distillation"]
    (run / "settings.json").write_text(json.dumps(stored))

    settings, _ = resumed(run, monkeypatch)
    assert (settings.preset, settings.batch_size, settings.epochs) == ("fcn-1", 4, 1)
    assert settings.loss.distillation == load_settings().loss.distillation
    settings, minutes = resumed(run, monkeypatch, "--settings", mine, "--minutes", 9, "--validation-interval", 5)
    assert (settings.preset, settings.batch_size, settings.validation_interval, minutes) == ("fcn-1", 7, 5, 9)
    settings, minutes = resumed(run, monkeypatch)  # which are kept
    assert (settings.batch_size, settings.validation_interval, minutes) == (7, 5, 9)
    assert resumed(run, monkeypatch, "--epochs", 40)[1] is None
    mine.write_text('preset = "fcn-2"\n')
    assert "with preset 'fcn-1' cannot be resumed with 'fcn-2'" in train("--resume", run, "--settings", mine)[1]
    mine.write_text("input_size = 64\n")
    assert "with input_size 0 cannot be resumed with 64" in train("--resume", run, "--settings", mine)[1]
    mine.write_text('optimizer = "muon"\n')
    assert "with optimizer 'adam' cannot be resumed with 'muon'" in train("--resume", run, "--settings", mine)[1]


def test_a_training_is_not_resumed_with_other_frames(data, tmp_path):
    train_folder, run = tmp_path / "train", tmp_path / "run"
    shutil.copytree(data / "train", train_folder)
    settings = "--settings", data / "settings.toml", "--cache", tmp_path / "cache"
    assert train("--data", train_folder, "--no-validation", *settings, "--run", run, "--epochs", 1)[0] == 0
    labels = np.zeros((256, 256), np.uint8)
    write_frame(train_folder, "run_1_cam1_00077.jpeg", "run_1_mask_00077.png", paint(labels), labels)
    (train_folder / "images" / "run_1_cam1_00003.jpeg").write_bytes(
        (train_folder / "images" / "run_1_cam1_00004.jpeg").read_bytes()
    )
    status, printed = train("--resume", run, "--epochs", 2, "--cache", tmp_path / "other")
    assert status == 2
    assert "train: 1 new, e.g. train/run_1/run_1_00077; train: 1 changed, e.g. train/run_1/run_1_00003." in printed
    assert f"--init {run / 'last.h5'}" in printed
    assert json.loads((run / "arguments.json").read_text())["cache"] == str(
        tmp_path / "cache"
    )  # a start that failed changes nothing
    assert json.loads((run / "settings.json").read_text())["epochs"] == 1


@pytest.mark.parametrize("widths", [(8, 16), (12, 16, 16)])  # fewer weights, and more
def test_a_training_is_not_resumed_with_another_network(data, tmp_path, widths):
    """That of --init was replaced by another in the meantime."""
    init, run = tmp_path / "mine.h5", tmp_path / "run"

    def write_network(*widths):
        blocks = (0,) * len(widths)
        save_model(networks.Pyramid(widths, blocks, blocks[1:]).build(64), init)

    write_network(8, 16, 16)
    assert train(*arguments(data, run, validation=False), "--init", init, "--epochs", 1)[0] == 0
    write_network(*widths)
    status, printed = train("--resume", run, "--epochs", 2)
    assert status == 2
    assert (
        f"{run / 'checkpoint.npz'} is of another network than the preset, or the file of --init, now gives" in printed
    )
    assert "--init FOLDER/last.h5" in printed


def test_two_trainings_do_not_share_a_folder(data, tmp_path):
    run = tmp_path / "run"
    with RunFolder(run).lock():
        status, printed = train(*arguments(data, run))
    assert status == 2
    assert "another process trains in" in printed
    assert not (run / "arguments.json").exists()  # the other training's are left alone


def test_ctrl_c_prints_how_to_continue(data, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "fit", interrupted)
    status, printed = train(*arguments(data, tmp_path / "run"))
    assert status == 130
    assert f"--resume {tmp_path / 'run'}" in printed
