"""The training command as a person uses it: it learns, it resumes, it says what is wrong."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from model.train_settings import SettingsError, load_settings
from model.validation import validate
from tests.model.labelled_frames import draw_labels, write_dataset

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
preset = "fcn-1"
batch_size = 4
epoch_steps = 4
full_frame_batch = 2
validate_every = 2
learning_rate = 0.01
[augmentation]
crop = 64
"""


def train(*arguments, **options):
    command = [sys.executable, "-m", "model.train", "--workers", "0", *map(str, arguments)]
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, **options)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    write_dataset(folder / "learn", 9)
    write_dataset(folder / "measure", 6, seed=1)
    (folder / "settings.toml").write_text(SETTINGS)
    return folder


def arguments(data, run):
    return (
        *("--data", data / "learn", "--validation", data / "measure"),
        *("--settings", data / "settings.toml", "--run", run, "--cache", data / "cache"),
    )


def test_a_training_leaves_a_model_that_loads_and_a_folder_that_tells(data, tmp_path):
    run = tmp_path / "run"
    result = train(*arguments(data, run), "--epochs", 6)
    assert result.returncode == 0, result.stdout + result.stderr
    names = {path.name for path in run.iterdir()}
    assert {"arguments.json", "settings.json", "manifest.json", "versions.json", "results.csv", "results.png"} <= names
    assert {"best.h5", "last.h5", "checkpoint.npz"} <= names

    from model.run_folder import RunFolder
    from model.weights import load_model

    rows = RunFolder(run).results()
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, 7)]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert rows[1]["score"] != ""
    loaded = load_model(run / "last.h5")
    probabilities = np.asarray(loaded.model(np.zeros((1, *loaded.input_size, 3), np.float32)))
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-4)


@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
def test_killed_at_a_random_moment_it_resumes_on_the_same_curve(data, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(*arguments(data, whole), "--epochs", 5).returncode == 0
    command = [
        sys.executable,
        "-m",
        "model.train",
        "--workers",
        "0",
        *map(str, arguments(data, broken)),
        "--epochs",
        "5",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (broken / "checkpoint.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    result = train("--resume", broken)
    assert result.returncode == 0, result.stdout + result.stderr

    from model.run_folder import RunFolder

    one, other = (RunFolder(path).results() for path in (whole, broken))
    assert [row["epoch"] for row in other] == ["1", "2", "3", "4", "5"]
    np.testing.assert_allclose([float(row["loss"]) for row in other], [float(row["loss"]) for row in one], rtol=0.05)


def test_bad_data_stops_before_training_with_the_name(data, tmp_path):
    folder = write_dataset(tmp_path / "bad", 3, size=256)
    (folder / "masks" / "run_1_mask_00001.png").unlink()
    result = train("--data", folder, "--run", tmp_path / "run", "--cache", tmp_path / "cache")
    assert result.returncode == 2
    assert "run_1_cam1_00001.jpeg" in result.stdout
    assert "--skip-bad" in result.stdout


def test_an_unknown_setting_names_its_neighbour(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[augmentation]\npaste_heros_share = 0.1\n")
    with pytest.raises(SettingsError, match=r"paste_heros_share.*paste_hero_share"):
        load_settings(file)
    file.write_text('batch_size = "many"\n')
    with pytest.raises(SettingsError, match="batch_size must be of type int"):
        load_settings(file)


def test_validation_counts_by_hand():
    """Four frames: a far hero found, one missed, a near hero half found, and a wrong hero."""
    labels = np.zeros((4, 64, 64), np.uint8)
    seen = np.zeros((4, 64, 64, 3), np.float32)
    seen[..., 0] = 1
    labels[0, 0:4, 0:5] = 2
    seen[0, 0:4, 0:5, 2] = 0.9
    labels[1, 10:14, 0:5] = 2
    labels[2, 0:40, 0:20] = 2
    seen[2, 0:20, 0:20, 2] = 0.8
    seen[3, 0:3, 0:3, 2] = 0.7
    answers = iter(seen)
    measured = validate(lambda images: np.stack([next(answers) for _ in images]), np.zeros((4, 64, 64, 3)), labels, 2)
    assert measured.iou_by_size[1] == pytest.approx(0.5)
    assert measured.iou_by_size[3] == pytest.approx(0.5)
    assert measured.recall_by_size[1] == pytest.approx(0.5)
    assert measured.false_heroes == 1.0
    # Mean of far (0.5) and near (0.5) IoU, times TP 2 / (TP 2 + FP 1 + FN 1).
    assert measured.score == pytest.approx(0.5 * 0.5)


def test_labels_of_the_test_frames_hold_what_they_should():
    assert set(np.unique(draw_labels(np.random.default_rng(0)))) == {0, 1, 2}
