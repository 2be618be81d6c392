"""A training that was interrupted goes on, however it ended, with the settings that it had."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from model.training.run_folder import RunFolder
from model.training.settings import SettingsError, load_settings
from model.training.trainer import Trainer
from model.weights import load_model
from tests.model.labelled_frames import paint, write_frame
from tests.model.train_command import arguments, train, write_data

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("frames"))


KILLS = 5
# Each start is a fork of a process that has imported TensorFlow, but not used it: all take the time of one import.
KILLED = """
import os, random, sys, time
from pathlib import Path
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from model.training import train as command

def stand(checkpoint):
    return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

if __name__ == "__main__":
    import_tensorflow_quietly()
    from model.evaluation.promotion import promote
    from model.training import trainer
    random.seed(5)
    run, kills = Path(sys.argv[1]), int(sys.argv[2])
    for kill in range(kills):
        go_on = ["--resume", str(run)] if (run / "arguments.json").exists() else sys.argv[3:]
        before = stand(run / "checkpoint.npz")
        child = os.fork()
        if child == 0:
            os._exit(command.main(["--workers", "0", *go_on]))
        deadline = time.monotonic() + 120
        while kill and stand(run / "checkpoint.npz") == before and time.monotonic() < deadline:  # the first: at once
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.3))
        os.kill(child, 9)
        how = os.waitpid(child, 0)[1]
        print(how == 9, (run / "checkpoint.npz").exists(), (run / "last.h5").exists(), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
def test_killed_at_random_moments_it_goes_on_along_the_same_curve(data, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = (data / "settings.toml", "--cache", data / "cache")  # of a constant learning rate: the end can be moved
    unmeasured = ("--data", data / "learn", "--no-validation", "--settings", *settings)
    (tmp_path / "killed.py").write_text(KILLED)
    call = [sys.executable, tmp_path / "killed.py", broken, KILLS, *unmeasured, "--run", broken, "--epochs", 9999]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run(list(map(str, call)), cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True).stdout
    kills = [line.split() for line in told.splitlines() if line.startswith(("True", "False"))]
    assert [kill[0] for kill in kills] == ["True"] * KILLS, told  # all in its midst
    assert kills[0][1:] == ["False", "False"]  # before there was anything to go on from
    assert kills[1][1:] == kills[-1][1:] == ["True", "True"]  # a model is there as soon as a checkpoint is
    (broken / ".last-1.h5").write_bytes(b"half")
    epochs = len(RunFolder(broken).results()) + 1
    status, printed = train("--resume", broken, "--epochs", epochs)
    assert status == 0, printed
    assert not (broken / ".last-1.h5").exists()

    assert train(*unmeasured, "--run", whole, "--epochs", epochs)[0] == 0
    one, other = (RunFolder(path).results() for path in (whole, broken))
    assert [row["epoch"] for row in other] == [str(number) for number in range(1, epochs + 1)]
    np.testing.assert_allclose([float(row["loss"]) for row in other], [float(row["loss"]) for row in one], rtol=0.05)


def test_without_validation_there_is_a_model_after_every_epoch(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    epoch = Trainer._epoch

    def interrupted(trainer, *arguments):
        if trainer.epoch == 2:
            raise KeyboardInterrupt
        return epoch(trainer, *arguments)

    monkeypatch.setattr(Trainer, "_epoch", interrupted)
    given = [*arguments(data, run)[:2], *arguments(data, run)[4:], "--no-validation", "--epochs", 3]
    assert train(*given)[0] == 130
    assert load_model(run / "last.h5").metadata["epoch"] == 2


def resumed(run, monkeypatch, *given):
    """What the trainer gets of a run that is resumed: settings and minutes."""
    seen = []

    def remember(trainer, batches, validation, minutes):
        seen.append((trainer.settings, minutes))
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "fit", remember)
    status, printed = train("--resume", run, *given)
    assert status == 130, printed
    return seen[0]


def test_it_goes_on_with_the_settings_that_it_had(data, tmp_path, monkeypatch):
    run, mine = tmp_path / "run", tmp_path / "mine.toml"
    mine.write_text((data / "settings.toml").read_text())
    given = [*arguments(data, run), "--settings", mine, "--epochs", 1]
    assert train(*given)[0] == 0
    mine.write_text("batch_size = 7\n")  # for another training
    stored = json.loads((run / "settings.json").read_text())
    stored["of_an_older_version"] = 1
    del stored["loss"]["teachers"]
    (run / "settings.json").write_text(json.dumps(stored))

    settings, _ = resumed(run, monkeypatch)
    assert (settings.preset, settings.batch_size, settings.epochs) == ("fcn-1", 4, 1)
    assert settings.loss.teachers == load_settings().loss.teachers
    settings, minutes = resumed(run, monkeypatch, "--settings", mine, "--minutes", 9, "--validate-every", 5)
    assert (settings.preset, settings.batch_size, settings.validate_every, minutes) == ("fcn-1", 7, 5, 9)
    settings, minutes = resumed(run, monkeypatch)  # and stays so
    assert (settings.batch_size, settings.validate_every, minutes) == (7, 5, 9)
    assert resumed(run, monkeypatch, "--epochs", 40)[1] is None
    mine.write_text('preset = "fcn-2"\n')
    assert "with preset 'fcn-1' cannot go on with 'fcn-2'" in train("--resume", run, "--settings", mine)[1]
    mine.write_text("input_size = 64\n")
    assert "with input_size 0 cannot go on with 64" in train("--resume", run, "--settings", mine)[1]
    mine.write_text('optimizer = "muon"\n')
    assert "with optimizer 'adam' cannot go on with 'muon'" in train("--resume", run, "--settings", mine)[1]


def test_it_does_not_go_on_with_other_frames(data, tmp_path):
    learn, run = tmp_path / "learn", tmp_path / "run"
    shutil.copytree(data / "learn", learn)
    settings = "--settings", data / "settings.toml", "--cache", tmp_path / "cache"
    assert train("--data", learn, "--no-validation", *settings, "--run", run, "--epochs", 1)[0] == 0
    labels = np.zeros((256, 256), np.uint8)
    write_frame(learn, "run_1_cam1_00077.jpeg", "run_1_mask_00077.png", paint(labels), labels)
    (learn / "images" / "run_1_cam1_00003.jpeg").write_bytes((learn / "images" / "run_1_cam1_00004.jpeg").read_bytes())
    status, printed = train("--resume", run, "--epochs", 2)
    assert status == 2
    assert "train: 1 new, e.g. learn/run_1/run_1_00077; train: 1 changed, e.g. learn/run_1/run_1_00003." in printed
    assert f"--init {run / 'last.h5'}" in printed
    assert json.loads((run / "arguments.json").read_text())["epochs"] == 1  # what did not begin changed nothing
    assert json.loads((run / "settings.json").read_text())["epochs"] == 1


@pytest.mark.parametrize("option", ["--skip-bad", "--promote", "--preset=fcn-2", "--better=all", "--data=more.zip"])
def test_what_cannot_change_on_the_way_is_refused_by_name(tmp_path, capsys, option):
    with pytest.raises(SystemExit, match="2"):
        train("--resume", tmp_path, option)
    assert f"without {option.partition('=')[0]}\n" in capsys.readouterr().err


def test_an_older_settings_file_of_another_type_is_one_sentence():
    with pytest.raises(SettingsError, match=r"loss\.false_hero must be of type list"):
        load_settings(stored={"loss": {"false_hero": 0.3}})


ORPHAN = """
import sys, time
from pathlib import Path
from model.data.batches import Batches, Sampling
from model.data.augment import Augmentation
from dataset.pairs import find_pairs
from model.data.packed_frames import pack
if __name__ == "__main__":
    frames = pack(find_pairs(sys.argv[1])[0], Path(sys.argv[2]))
    batches = Batches(frames, Sampling(), 1, workers=1)
    next(batches.range(0, 9, 2, Augmentation(crop=64)))
    print(*batches._pool._processes, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
def test_workers_end_with_a_killed_parent(data, tmp_path):
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    call = [sys.executable, str(script), str(data / "measure"), str(data / "cache")]
    process = subprocess.Popen(call, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
    worker = int(process.stdout.readline())
    os.kill(worker, 0)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker goes on without its parent")


def test_two_trainings_do_not_share_a_folder(data, tmp_path):
    run = tmp_path / "run"
    with RunFolder(run).claimed():
        status, printed = train(*arguments(data, run))
    assert status == 2
    assert "another process trains in" in printed
    assert not (run / "arguments.json").exists()  # what the other one needs to be resumed is left alone


def test_ctrl_c_says_how_to_go_on(data, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "fit", interrupted)
    status, printed = train(*arguments(data, tmp_path / "run"))
    assert status == 130
    assert f"--resume {tmp_path / 'run'}" in printed
