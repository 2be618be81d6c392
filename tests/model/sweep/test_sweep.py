"""Sweeps as a person runs them: real, though tiny, trainings in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from model import run_files
from tests.dashboard.browser import PATIENCE
from tests.model.labelled_frames import write_dataset

pytestmark = pytest.mark.slow

PLAN = """
[train]
data = ["train"]
validation = ["validation"]
workers = 0
cache = "cache"
[settings]
input_size = 32
epochs = 2
batch_size = 2
steps_per_epoch = 1
validation_interval = 1
full_frame_fraction = 0.0
network = {widths = [4, 8], blocks = [0, 0], convolutions = [0]}
[space]
learning_rate = [0.003, 0.001]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    write_dataset(folder / "train", 6, size=32)
    write_dataset(folder / "validation", 3, size=32, seed=1)
    (folder / "tiny.toml").write_text(PLAN)
    return folder


def start(folder, *arguments):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TF_NUM_INTRAOP_THREADS": "1",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "model.sweep", "tiny.toml", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_processes_share_a_sweep_and_one_finishes_what_the_other_was_killed_in(data):
    sweep = data / "runs" / "tiny"
    killed = start(data)
    until((sweep / "trial-0000" / "training.log").exists)
    other = start(data)
    until((sweep / "trial-0001" / "training.log").exists)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    output, _ = other.communicate(timeout=PATIENCE)
    assert other.returncode == 0, output

    state = json.loads((sweep / "sweep.json").read_text())
    assert (state["trials"], state["complete"], state["running"], state["waiting"]) == (2, 2, 0, 0)
    rates = [json.loads((sweep / f"trial-000{n}" / "settings.json").read_text())["learning_rate"] for n in (1, 2)]
    assert sorted(rates) == [0.001, 0.003]
    report = (sweep / "sweep.md").read_text()
    for number in (1, 2):
        rows = run_files.read_results(sweep / f"trial-000{number}")
        best = max(float(row["score"]) for row in rows)
        assert f"| {number} | {best:.4f} |" in report
    assert run_files.read_results(sweep / "trial-0000") == [] or len(run_files.read_results(sweep / "trial-0000")) < 2
    assert "learning_rate = " in (sweep / "best.toml").read_text()


def test_ctrl_c_gives_the_trial_back(data):
    sweep = data / "interrupted"
    process = start(data, "--out", "interrupted")
    until((sweep / "trial-0000" / "training.log").exists)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, output
    from model.sweep.plan import read_plan
    from model.sweep.study import Study

    study = Study(read_plan(data / "tiny.toml"), sweep)
    taken = [study.take(), study.take()]
    assert sorted(each.values["learning_rate"] for each in taken) == [0.001, 0.003]
    assert study.take() is None


def test_a_trial_that_cannot_train_is_reported_with_what_its_training_said(data):
    text = PLAN.replace('"validation"', '"nowhere"').replace("network =", "#")
    (data / "tiny.toml").write_text(text)
    try:
        process = start(data, "--out", "failing")
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        (data / "tiny.toml").write_text(PLAN)
    assert process.returncode == 2
    assert "nowhere" in output
    assert "no trial has succeeded yet" in output
