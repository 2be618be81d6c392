"""Run folders of trainings: while they are written, and with unexpected contents."""

import json
import os
import time

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from dashboard.workshop import workspace
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.routes import Workshop
from dashboard.workshop.workspace import (
    Training,
    WorkspacePaths,
    find_models,
    find_sweeps,
    find_training,
    find_trainings,
    progress,
)
from model.run_files import read_results

RESULTS = "epoch,minutes,loss,images_per_second,score\n1,0.5,1.5,20,\n2,1.0,1.25,22,0.5\n3,1.5,nan,24,0.25\n"


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "evening"
    folder.mkdir()
    (folder / "arguments.json").write_text(json.dumps({"init": "models/one.h5", "minutes": 10}))
    (folder / "results.csv").write_text(RESULTS)
    (folder / "checkpoint.npz").write_bytes(b"")
    return folder


def left(run, started: float | None) -> float | None:
    training = Training(run)
    return progress(training.summary(), training.rows(), started)["left"]


def test_the_figures_of_a_training(run):
    training = Training(run)
    assert [row["score"] for row in training.rows()] == [None, 0.5, 0.25]
    assert training.rows()[2]["loss"] is None
    summary = training.summary()
    known = {"name": "evening", "init": "one.h5", "epochs": 3, "minutes": 1.5, "done": 0.15, "score": 0.5}
    assert summary.items() >= (known | {"resumable": True}).items()
    assert training.pictures() == {}
    assert training.verdict() is None
    (run / "retrain.md").write_text("# Retraining of one.h5\n\n**Not promoted:** not better where asked.\n")
    assert training.verdict() == "Not promoted: not better where asked."


def test_the_time_left_counts_from_the_last_epoch_since_the_training_was_resumed(run):
    hour_ago = time.time() - 3600
    os.utime(run / "results.csv", (hour_ago, hour_ago))
    assert left(run, None) is None
    assert left(run, time.time() - 10) == pytest.approx(8.5 * 60 - 10, abs=5)
    assert left(run, hour_ago - 60) == 0
    os.utime(run / "results.csv")
    assert left(run, hour_ago) == pytest.approx(8.5 * 60, abs=5)


@pytest.mark.parametrize(
    ("settings", "done"),
    [({"epochs": 4}, 0.75), ({"epochs": 3}, 1.0), ({"epochs": 12}, 0.25), ({"epochs": None}, None), ({}, None)],
)
def test_a_training_limited_by_epochs_is_done_after_them(run, settings, done):
    (run / "arguments.json").write_text(json.dumps({"minutes": None}))
    (run / "settings.json").write_text(json.dumps(settings))
    training = Training(run)
    summary = training.summary()
    assert (summary["done"], summary["resumable"]) == (done, done is not None and done < 1)
    if done == 0.75:
        assert left(run, time.time()) == pytest.approx(30, abs=5)
    (run / "checkpoint.npz").unlink()
    assert not Training(run).summary()["resumable"]


def test_a_training_that_was_stopped_before_its_promotion_was_decided_can_be_resumed(run):
    (run / "arguments.json").write_text(json.dumps({"minutes": 1.5, "promote": True}))
    assert Training(run).summary().items() >= {"done": 1.0, "resumable": True}.items()
    (run / "retrain.md").write_text("**Promoted:** better.\n")
    assert not Training(run).summary()["resumable"]


def test_a_training_with_several_workers_cannot_be_resumed_here(run):
    (run / "arguments.json").write_text(json.dumps({"strategy": "multiworker"}))
    (run / "settings.json").write_text(json.dumps({"epochs": 12}))
    assert Training(run).summary().items() >= {"done": 0.25, "resumable": False}.items()


def test_only_trainings_are_listed_newest_first(run):
    (run.parent / "cache").mkdir()
    (run.parent / "notes.txt").write_text("mine")
    other = run.parent / "later"
    other.mkdir()
    (other / "arguments.json").write_text("{}")
    os.utime(run / "arguments.json", (1, 1))
    assert [training.name for training in find_trainings(run.parent)] == ["later", "evening"]
    assert not Training(other).summary()["resumable"]
    for name in ("cache", "..", "../evening", ""):
        with pytest.raises(LookupError, match="no training"):
            find_training(run.parent, name)
    assert find_trainings(run.parent / "nowhere") == []


def test_folders_that_may_not_be_entered_are_left_out(run, forbid):
    (run / "best.h5").write_bytes(b"")
    for name in ("foreign", "models"):
        (run.parent / name).mkdir()
        forbid(run.parent / name)
    paths = WorkspacePaths(run.parent, run.parent, (run.parent / "models" / "one.h5", run.parent / "models"))
    assert [training.name for training in find_trainings(run.parent)] == ["evening"]
    assert list(find_models(paths)) == ["evening/best.h5"]
    assert find_sweeps(run.parent) == []


def test_a_page_that_is_open_makes_the_follower_read_only_what_has_changed(serve_with_dashboard, run, monkeypatch):
    reads = []
    monkeypatch.setattr(workspace, "read_results", lambda folder: reads.append(folder) or read_results(folder))
    paths = WorkspacePaths(run.parent, run.parent, ())
    workshop = Workshop(paths, ModelSwitcher(run.parent / "one.h5", None, None))
    address = f"http://127.0.0.1:{serve_with_dashboard(more=[workshop.pages()]).port}/api/workshop"

    def poll() -> tuple[int, int]:
        (listed,) = requests.get(address, timeout=30).json()["trainings"]
        return listed["epochs"], len(requests.get(f"{address}/trainings/evening", timeout=30).json()["rows"])

    assert poll() == (3, 3)
    before = len(reads)
    assert poll() == (3, 3)
    assert len(reads) == before
    with (run / "results.csv").open("a") as file:
        file.write("4,2.0,1.5,24,0.75\n")
    assert poll() == (4, 4)
    (run / "retrain.md").write_text("**Promoted:** better.\n")
    (run / "arguments.json").write_text(json.dumps({"init": "models/one.h5", "minutes": 2, "promote": True}))
    assert requests.get(address, timeout=30).json()["trainings"][0].items() >= {"done": 1, "resumable": False}.items()


@given(st.binary(max_size=200), st.binary(max_size=100) | st.just(b"[1]") | st.just(b'{"minutes": [], "init": 5}'))
def test_any_contents_can_be_read(tmp_path_factory, results, arguments):
    folder = tmp_path_factory.mktemp("run")
    (folder / "results.csv").write_bytes(results)
    (folder / "arguments.json").write_bytes(arguments)
    (folder / "retrain.md").write_bytes(results)
    training = Training(folder)
    figures = progress(training.summary(), training.rows(), time.time())
    json.dumps([figures, training.rows(), training.verdict()], allow_nan=False)


def test_sweeps_are_listed_the_newest_first_whatever_else_lies_there(tmp_path, run):
    assert find_sweeps(tmp_path / "nowhere") == []
    for age, name in ((20, "older"), (10, "newer"), (5, "damaged")):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "sweep.json"
        file.write_text("{" if name == "damaged" else json.dumps({"trials": 4, "complete": 1}))
        os.utime(file, (time.time() - age,) * 2)
    assert find_sweeps(tmp_path) == [{"name": name, "trials": 4, "complete": 1} for name in ("newer", "older")]
