"""The workshop's calls: command lines, refusals, and real trainings and comparisons, though tiny."""

import os
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import requests

from dashboard import jobs
from dashboard.workshop import routes as workshop_module
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.requests import (
    ComparisonRequest,
    TrainingRequest,
    comparison_arguments,
    resume_arguments,
    training_arguments,
)
from dashboard.workshop.routes import Workshop
from model.data.sources import parse_source
from tests.dashboard.browser import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture
def served(serve_with_dashboard, bench, normal_priority):
    """A bridge with a workshop; `get` and `post` take what follows /api/workshop."""
    workshops = []

    def start(**options) -> SimpleNamespace:
        said = []
        workshop = Workshop(bench.paths, ModelSwitcher(bench.paths.models[0], None, None), threads=1, log=said.append)
        workshops.append(workshop)
        bridge = serve_with_dashboard(more=[workshop.pages()], **options)
        address = f"http://127.0.0.1:{bridge.port}/api/workshop"
        return SimpleNamespace(
            bridge=bridge,
            address=address,
            said=said,
            workshop=workshop,
            get=lambda path="", **more: requests.get(address + path, timeout=30, **more),
            post=lambda path, body=None, **more: requests.post(
                address + path, json={} if body is None else body, timeout=30, **more
            ),
        )

    yield start
    for workshop in workshops:
        workshop.__exit__()


def form(**changes) -> dict:
    return {"init": "one.h5", "recordings": ["meadow"], "data": [], "minutes": 30} | changes


def until(condition, seconds: float = PATIENCE):
    deadline = time.monotonic() + seconds
    while not (met := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return met


def test_a_training_is_started_watched_stopped_and_resumed(served, bench):
    served = served()
    assert served.post("/trainings", form(name="evening", data=[str(bench.folder / "data")])).json() == {
        "name": "evening"
    }
    busy = served.post("/trainings", form(name="other"))
    assert busy.status_code == 409
    assert "stop it" in busy.json()["error"]
    assert served.get("/trainings/evening").json()["process"]["state"] == "running"

    def learnt(epochs: int) -> dict | None:
        seen = served.get("/trainings/evening").json()
        assert seen["process"]["state"] != "ended", seen["process"]["lines"]
        return seen if len(seen["rows"]) >= epochs and seen["pictures"] else None

    seen = until(lambda: learnt(5))
    assert [row["epoch"] for row in seen["rows"][:5]] == [1, 2, 3, 4, 5]
    assert [row["score"] is not None for row in seen["rows"][:4]] == [False, False, False, True]
    columns = [f"{figure} {band}" for figure in ("iou", "recall") for band in served.get().json()["size_bands"]]
    assert len(columns) == 8
    assert set(columns) <= set(seen["rows"][0])
    assert seen["images_per_second"] > 0
    assert 1700 < seen["left"] < 1800
    assert "50 training and 2 validation frames" in "\n".join(seen["process"]["lines"])
    assert f"--init {bench.folder / 'models' / 'one.h5'}" in seen["process"]["command"]
    png = served.get("/trainings/evening/examples.png").content
    assert cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).shape[1] == 1024
    assert served.get("/trainings/evening/retrain.png").status_code == 404

    assert served.post("/trainings/evening/stop").ok
    seen = until(lambda: (seen := served.get("/trainings/evening").json())["process"]["state"] == "ended" and seen)
    assert seen["process"]["exit_status"] == 130
    assert served.get(f"/trainings/evening?seen={seen['version']}").json()["rows"] is None
    assert served.said == ["training evening", "training evening was stopped"]
    assert served.post("/trainings/evening/stop").status_code == 404
    [listed] = served.get().json()["trainings"]
    assert (listed["name"], listed["resumable"], listed["init"]) == ("evening", True, "one.h5")
    assert "evening/last.h5" in served.get().json()["models"]
    taken = served.post("/trainings", form(name="evening"))
    assert taken.status_code == 400
    assert "resume" in taken.json()["error"]

    before = len(seen["rows"])
    assert served.post("/trainings/evening/resume").ok
    until(lambda: learnt(before + 1))
    process = served.workshop._training.pid
    served.workshop.__exit__()  # the follower ends
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert resume_arguments("evening", bench.paths)[0] == "--resume"


def test_the_output_of_a_training_on_bad_data_is_returned(served, bench):
    served = served()
    assert served.post("/trainings", form(name="spoilt", recordings=[], data=[str(bench.folder / "bad")])).ok
    seen = until(lambda: (seen := served.get("/trainings/spoilt").json())["process"]["state"] == "ended" and seen)
    assert seen["process"]["exit_status"] == 2
    assert "run_1_cam1_00001.jpeg" in "\n".join(seen["process"]["lines"])
    assert served.said[-1] == "training spoilt has failed"
    spoilt = TrainingRequest(**form(name="spoilt"))
    assert training_arguments(spoilt, bench.paths)[0] == "spoilt"  # it never began: the name is free


def test_two_models_are_compared_frame_by_frame(served, bench):
    served = served()
    body = {"models": ["one.h5", "two.h5"], "recording": "park", "frames": 30}
    assert served.post("/comparison/start", body).json() == {"number": 1}
    assert served.post("/comparison/start", body).status_code == 409
    seen = until(lambda: (seen := served.get("/comparison").json())["process"]["state"] == "ended" and seen)
    assert seen["process"]["exit_status"] == 0, seen["process"]["lines"]
    assert (seen["models"], seen["frames"]) == (["one.h5", "two.h5"], 30)
    assert [row["frame"] for row in seen["rows"]] == list(range(30))
    assert [row["frame"] for row in served.get("/comparison?from=28").json()["rows"]] == [28, 29]
    assert {table["title"] for table in seen["tables"]} >= {"By target size (pixels at 256x256)"}
    for part, file in (("images", seen["rows"][7]["image"]), ("first", "000007.png"), ("ground_truth", "000007.png")):
        picture = served.get(f"/comparison/1/{part}/{file}").content
        assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (64, 64, 3)
    for path in ("2/images/000007.png", "1/images/..%2fcomparison.json", "1/images/x.png", "1/first/000099.png"):
        assert served.get(f"/comparison/{path}").status_code == 404
    served.workshop.__exit__()
    assert served.get("/comparison/1/first/000007.png").status_code == 404


def test_a_comparison_runs_at_the_lowest_priority(served, monkeypatch):
    if os.name == "nt":
        pytest.skip("asks POSIX for the priority")
    monkeypatch.setattr(jobs, "LOW_PRIORITY", True)
    served = served()
    assert served.post("/comparison/start", {"models": ["one.h5", "two.h5"], "recording": "park"}).ok
    process = served.workshop._comparison.pid
    assert os.getpriority(os.PRIO_PROCESS, process) == 19
    began = time.monotonic()
    served.workshop.__exit__()
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"init": "three.h5"}, 404, "no model 'three.h5'"),
        ({"init": "../settings.toml"}, 404, "no model"),
        ({"init": None}, 400, "init"),
        ({"recordings": []}, 400, "at least one"),
        ({"recordings": "meadow"}, 400, "a list"),
        ({"recordings": ["../data"]}, 404, "no recording"),
        ({"recordings": ["forest"]}, 404, "no recording 'forest'"),
        ({"data": ["--promote"]}, 404, "no folder or .zip"),
        ({"data": ["no such folder"]}, 404, "no such folder"),
        ({"data": ["a\0b"]}, 400, "a list of texts"),
        ({"minutes": 0}, 400, "minutes"),
        ({"minutes": "10; rm"}, 400, "minutes"),
        ({"minutes": True}, 400, "minutes"),
        ({"name": "../../etc"}, 400, "name"),
        ({"name": "-x"}, 400, "name"),
        ({"name": "cache"}, 400, "name"),
        ({"name": 5}, 400, "name"),
        ({"promote": "yes"}, 400, "promote"),
        ({"promote": True, "better": "hair"}, 400, "better"),
        ({"skip_bad": 1}, 400, "skip_bad"),
        ({"minuets": 5}, 400, "there is no key minuets; did you mean minutes?"),
    ],
)
def test_an_invalid_training_request_starts_nothing(served, bench, changes, status, word):
    served = served()
    answer = served.post("/trainings", form(**changes))
    assert answer.status_code == status, answer.text
    assert word in answer.json()["error"]
    assert served.get().json()["training"]["state"] == "idle"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"models": ["one.h5"], "recording": "park"}, 400),
        ({"models": ["one.h5", "one.h5"], "recording": "park"}, 400),
        ({"models": ["one.h5", ["two.h5"]], "recording": "park"}, 400),
        ({"models": ["one.h5", "two.h5"]}, 400),
        ({"models": ["one.h5", "two.h5"], "recording": "park", "data": "data"}, 400),
        ({"models": ["one.h5", "two.h5"], "recording": "../data"}, 404),
        ({"models": ["one.h5", "two.h5"], "data": "nowhere"}, 404),
        ({"models": ["one.h5", "two.h5"], "recording": "park", "frames": 0}, 400),
        ({"models": ["one.h5", "two.h5"], "recording": "park", "frames": "9"}, 400),
    ],
)
def test_an_invalid_comparison_request_starts_nothing(served, body, status):
    served = served()
    assert served.post("/comparison/start", body).status_code == status
    assert served.get().json()["comparison"]["state"] == "idle"


def test_requests_become_command_line_arguments(bench):
    name, arguments = training_arguments(
        TrainingRequest(**form(name="far", promote=True, better="far", minutes=7.5, skip_bad=True)), bench.paths
    )
    assert name == "far"
    assert arguments[:2] == ["--init", str(bench.folder / "models" / "one.h5")]
    assert arguments[2:4] == ["--recordings", str(bench.folder / "recordings" / "meadow")]
    assert arguments[arguments.index("--minutes") + 1] == "7.5"
    assert arguments[-4:] == ["--promote", "--better", "far", "--skip-bad"]
    assert training_arguments(TrainingRequest(**form()), bench.paths)[0][:2] == "20"  # without a name, date and time
    folder = {"models": ["two.h5", "one.h5"], "data": str(bench.folder / "data")}
    assert comparison_arguments(ComparisonRequest(**folder), bench.paths)[1:3] == [
        str(bench.folder / name) for name in ("models/one.h5", "data")
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow this name")
def test_data_are_found_by_the_rules_of_the_command_line(bench):
    folder = bench.folder / "2026-11-26_10:30"
    folder.mkdir()
    for text in (str(folder), f' "{folder}" '):
        arguments = training_arguments(TrainingRequest(**form(data=(text,))), bench.paths)[1]
        assert parse_source(arguments[arguments.index("--data") + 1]) == (folder, 1.0)


CALLS = ("/trainings", "/trainings/evening/resume", "/trainings/evening/stop", "/comparison/start", "/comparison/stop")


@pytest.fixture
def started(monkeypatch):
    """Collect the arguments of jobs instead of starting them."""
    processes = []
    monkeypatch.setattr(workshop_module.BackgroundJob, "start", lambda self, arguments: processes.append(arguments))
    return processes


def test_pages_of_other_sites_start_nothing(served, started):
    served = served()
    for path in CALLS:
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example:4567"}):
            assert served.post(path, form(), headers=headers).status_code == 403
        text = requests.post(served.address + path, data="{}", headers={"Content-Type": "text/plain"}, timeout=30)
        assert text.status_code == 415
        assert served.post(path, []).status_code == 400
    assert served.get(headers={"Origin": "http://evil.example"}).status_code == 403
    assert started == []


def test_on_a_public_address_starting_needs_the_token(served, started):
    served = served(host="0.0.0.0")
    for path in CALLS:
        assert served.post(path, form()).status_code == 401
    assert started == []
    assert served.get().ok
    assert "lines" not in served.get().json()["training"]  # paths of this machine
    assert "lines" not in served.get("/comparison").json()["process"]
    right = {"Authorization": f"Bearer {served.bridge.dashboard.token}"}
    assert "lines" in served.get(headers=right).json()["training"]
    assert served.post("/trainings", form(name="mine"), headers=right).ok
    assert len(started) == 1


def test_missing_trainings_and_pictures_are_reported(served):
    served = served()
    for path in ("/trainings/none", "/trainings/..%2fmodels", "/trainings/none/examples.png", "/comparison/1/images/a"):
        assert served.get(path).status_code == 404
    assert served.get("/comparison?from=x").status_code == 400
    assert served.post("/trainings/none/resume").status_code == 404
    assert served.get("/comparison").json()["rows"] == []
