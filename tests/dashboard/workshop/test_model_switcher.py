"""Switching to another model: between two frames, for authorised callers, and only if it loads."""

import os
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import requests
import socketio

from dashboard.live.feed import Feed
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.routes import Workshop
from dashboard.workshop.workspace import WorkspacePaths
from dataset.recordings.frame_record import read_frame_records
from dataset.recordings.layout import read_meta
from follower.agent import FollowAgent
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.settings import RecordingSettings


class Network:
    """Predicts a hero of a certain height in the middle of every image."""

    typical_fraction = 0.95

    def __init__(self, rows: int):
        self.rows = rows

    def predict(self, images):
        probabilities = np.zeros((len(images), 64, 64, 3), np.float32)
        probabilities[..., 0] = 1
        probabilities[:, : self.rows, 20:30] = (0, 0, 1)
        return probabilities


def origin_of(name: str) -> dict:
    return {"model": {"description": f"{name}, 64x64", "file": f"{name}.h5", "sha256": name * 8}}


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("one", "two", "broken"):
        (folder / f"{name}.h5").write_text(name)
    return folder


@pytest.fixture
def served(serve_with_dashboard, models, tmp_path, recorder):
    """A bridge with `one.h5` active, recording; others are loaded only once `go` is set."""

    def load(name, path):
        assert world.go.wait(30)
        if path.stem == "broken":
            raise ValueError(f"{path} is damaged, perhaps cut short.")
        world.on_load(path)
        return Network(40), origin_of(path.stem)

    def start(**options) -> SimpleNamespace:
        model_switcher = ModelSwitcher(
            models / "one.h5",
            load,
            lambda network, origin: world.bridge.swap_model(network, origin),
            lambda text: world.feed.add_event("control", text),
        )
        workshop = Workshop(WorkspacePaths(tmp_path, tmp_path / "runs", (models / "one.h5", models)), model_switcher)
        world.bridge = serve_with_dashboard(
            FollowAgent, feed=world.feed, recorder=recorder, more=[workshop.pages()], segmenter=Network(20), **options
        )
        world.address = f"http://127.0.0.1:{world.bridge.port}/api/workshop"
        return world

    world = SimpleNamespace(go=threading.Event(), feed=Feed("one, 64x64"), on_load=lambda path: None)
    world.activate = lambda model, **more: requests.post(
        f"{world.address}/active-model", json={"model": model}, timeout=30, **more
    )
    world.status = lambda **more: requests.get(world.address, timeout=30, **more).json()["active_model"]
    yield start
    world.go.set()


@pytest.fixture
def recorder(tmp_path):
    settings = RecordingSettings(folder=str(tmp_path / "recordings"), min_free_gigabytes=0)
    with Recorder(settings, origin_of("one")) as recorder:
        yield recorder


@pytest.fixture
def send(connect, payload, eventually):
    """Send frames to a bridge, each when the last one was answered."""
    simulators = {}

    def frames(port: int, count: int):
        simulator, sent = simulators.setdefault(port, (connect(port), []))
        for _ in range(count):
            number = len(sent)
            sent.append(number)
            simulator.send_frame(payload(timestamp=number / 5), str(number))
            assert eventually(lambda number=number: number in simulator.acknowledged, 30)

    return frames


def test_another_model_takes_over_between_two_frames_and_gets_its_own_recording(
    served, send, recorder, eventually, tmp_path
):
    world = served()
    recorder.start("meadow")
    send(world.bridge.port, 3)
    assert world.status() == {"model": "one.h5", "changed": False, "loading": None, "refused": None}
    assert world.activate("two.h5").json() == {"loading": "two.h5"}
    assert world.status()["loading"] == "two.h5"
    assert "still being loaded" in world.activate("one.h5").json()["error"]
    assert world.activate("one.h5").status_code == 409
    send(world.bridge.port, 3)  # meanwhile the first one stays active
    world.go.set()
    assert eventually(lambda: world.status()["model"] == "two.h5")
    send(world.bridge.port, 4)
    (session,) = world.bridge.sessions
    assert (session.counts.received, session.counts.answered) == (10, 10)
    assert eventually(lambda: recorder.status()["frames"] == 10)  # it receives a frame after the simulator its answer
    recorder.close()
    runs = {name: tmp_path / "recordings" / name for name in ("meadow", "meadow-2")}
    assert [read_meta(run)["model"]["file"] for run in runs.values()] == ["one.h5", "two.h5"]
    assert [read_meta(run)["frames"] for run in runs.values()] == [6, 4]
    heroes = [{record.hero_pixels for record in read_frame_records(run)[0]} for run in runs.values()]
    assert heroes == [{20 * 10 * 16}, {40 * 10 * 16}]  # each by the model that its meta.json names
    assert [event.text for event in world.feed.events_after(-1) if event.kind == "model"] == [
        "active model: two, 64x64"
    ]


def test_a_model_that_cannot_be_loaded_changes_nothing(served, send, eventually, models):
    world = served()
    world.go.set()
    assert world.activate("broken.h5").ok
    assert eventually(lambda: world.status()["refused"])
    status = world.status()
    assert status["refused"] == {
        "model": "broken.h5",
        "error": f"{models.resolve() / 'broken.h5'} is damaged, perhaps cut short.",
    }
    assert (status["model"], status["loading"]) == ("one.h5", None)
    send(world.bridge.port, 1)
    assert eventually(lambda: [each for each in world.feed.simulators if each.newest])
    assert world.feed.simulators[0].newest.processed.probabilities[:, 25, 2].sum() == 20
    assert "broken.h5 cannot be activated; the previous model stays active" in [
        event.text for event in world.feed.events_after(-1)
    ]
    assert world.activate("two.h5").ok  # it was no harm
    assert eventually(lambda: world.status()["model"] == "two.h5")
    assert world.status()["refused"] is None


def test_a_file_that_was_replaced_is_noticed(served, eventually, models):
    world = served()
    world.go.set()
    (models / "new").write_text("another one, as a promotion leaves it")
    os.replace(models / "new", models / "one.h5")
    assert world.status()["changed"]
    world.on_load = lambda path: path.write_text("and another while it is being loaded")
    assert world.activate("one.h5").ok
    assert eventually(lambda: world.status()["refused"])
    assert "was replaced while it was being loaded" in world.status()["refused"]["error"]
    world.on_load = lambda path: None
    assert world.activate("one.h5").ok
    assert eventually(lambda: not world.status()["changed"])
    assert world.status()["refused"] is None


def test_only_authorised_callers_switch_the_model(served, eventually):
    world = served(host="0.0.0.0")
    world.go.set()
    owner = {"Authorization": f"Bearer {world.bridge.dashboard.token}"}
    assert world.activate("two.h5").status_code == 401
    assert world.activate("nowhere.h5", headers=owner).status_code == 404
    assert world.activate("../one.h5", headers=owner).status_code == 404
    assert world.activate(["two.h5"], headers=owner).status_code == 400
    foreign = {"Origin": "http://elsewhere.example"}
    assert world.activate("two.h5", headers=owner | foreign).status_code == 403
    text = requests.post(f"{world.address}/active-model", data='{"model": "two.h5"}', headers=owner, timeout=30)
    assert text.status_code == 415
    assert world.status()["model"] == "one.h5"
    assert world.activate("broken.h5", headers=owner).ok
    assert eventually(lambda: world.status(headers=owner)["refused"])
    assert "refused" not in world.status()  # it tells of this machine's folders


def test_viewers_are_told_the_active_model(served, eventually):
    world = served()
    viewer = socketio.SimpleClient()
    viewer.connect(f"http://127.0.0.1:{world.bridge.port}", namespace="/dashboard", transports=["websocket"])
    viewer.emit("ready", {})
    _, update = viewer.receive(timeout=30)
    assert update["model"] == "one, 64x64"
    world.go.set()
    assert world.activate("two.h5").ok
    while update["model"] != "two, 64x64":
        viewer.emit("ready", {"event": max([0, *(event["number"] for event in update["events"])])})
        _, update = viewer.receive(timeout=30)
        assert update["model"] in ("one, 64x64", "two, 64x64")
    viewer.disconnect()
