"""Flights that a follower records at the request of its page, and labels that are corrected by the page's calls."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np

from dataset.masks.labels import decode_labels
from dataset.masks.runs import runs_of_labels
from dataset.recordings.recording import open_recording
from scripts.benchmarks.harness.bridges import connect
from simulator.difficulty.levels import LEVELS
from simulator.episode import Episode
from simulator.flight import LOCKSTEP_EPOCH, Flight, FlightPlan
from simulator.link.frames import encode_mask
from simulator.rendering.renderer import Renderer
from simulator.types import Observation

TIMEOUT = 30.0  # seconds
Labels = dict[str, np.ndarray]  # by frame, (height, width) uint8


class Page:
    """Calls of the dashboard at a port of this machine. They raise RuntimeError if they fail."""

    def __init__(self, port: int) -> None:
        self._address, self._opener = f"http://127.0.0.1:{port}", build_opener(ProxyHandler({}))

    def get(self, path: str) -> Any:
        """Return what a call answers."""
        return self._open(Request(self._address + path))

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Send a command and return its answer."""
        headers = {"Content-Type": "application/json"}
        return self._open(Request(self._address + path, json.dumps(body).encode(), headers))

    def _open(self, request: Request) -> Any:
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise RuntimeError(f"{request.selector} failed: {error.read().decode(errors='replace')[:300]}") from error
        except OSError as error:
            raise RuntimeError(f"the follower does not answer: {getattr(error, 'reason', error)}") from error


def record_flight(
    port: int, recording: Path, difficulty: str, seed: int, seconds: float, with_truth: bool = False
) -> Labels:
    """Record one flight of the built-in simulator, in lockstep, and return the ground truth of each recorded frame.

    `recording` is a folder in the folder of the follower at that port; what is there is replaced. Only `with_truth` the
    follower gets the ground truth, too, and records that instead of the network's labels. Raises RuntimeError.
    """
    shutil.rmtree(recording, ignore_errors=True)
    page, level, shown = Page(port), LEVELS[difficulty], dict[float, np.ndarray]()

    def keep(observation: Observation) -> None:
        assert observation.rendered is not None
        mask = observation.rendered.mask
        labels = decode_labels(encode_mask(mask), mask.shape[:2])
        assert labels is not None, "the simulator's masks have one class per pixel"
        shown[round(LOCKSTEP_EPOCH + observation.time, 3)] = labels

    city = level.city(seed)
    with closing(Renderer(city)) as renderer, connect(port) as client:
        episode = Episode(city, renderer, level.people, level.rules(seed))
        plan = FlightPlan(duration=seconds, lockstep=True, ground_truth=with_truth)
        page.post("/api/recording/start", {"name": recording.name, "filter": []})
        Flight(episode, client, plan, link=level.link(seed)).fly(keep)
    # The end of the connection finishes the recording, with the last frame.
    _wait(lambda: page.get(f"/api/recordings/{recording.name}")["state"] == "finished")
    page.post("/api/recording/stop", {})
    return {each.frame: shown[round(each.timestamp or 0.0, 3)] for each in open_recording(recording).frames}


def correct(port: int, name: str, frames: Iterable[str], truth: Labels) -> None:
    """Save the true labels of some frames of a recording, as its page does. Raises RuntimeError."""
    page = Page(port)
    for frame in frames:
        path = f"/api/recordings/{name}/labels/{frame}"
        revision = page.get(path)["revision"]
        page.post(path, {"runs": runs_of_labels(truth[frame]), "revision": revision, "by": "ground truth"})


def _wait(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not is_done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"a recording was not finished within {TIMEOUT:g} s")
        time.sleep(0.1)
