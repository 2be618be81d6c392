"""The workshop in a real browser, and the controls of a real built-in simulator on the live page."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from app.model_loading import describe_origin
from dashboard.recordings.routes import Recordings
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.routes import Workshop
from dataset.pairs import find_pairs, read_pair
from model.inference.segmenter import Segmenter
from sim_bridge.wire.simulator_control import SimulatorInfo
from simulator.episode import Episode
from tests.dashboard.browser import HERO, SCREENSHOTS, grid_colours, is_colour, slide, until
from tests.dashboard.workshop.workbench import SIZE, lay_out

SIDES = ("first", "second")
PATIENCE = 120  # seconds, for a process that has to import TensorFlow on a busy machine


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def served(serve_with_dashboard, bench):
    bridges = []

    def load(name, path):
        segmenter = Segmenter(path)
        return segmenter, describe_origin(segmenter.describe(), path, {})

    def start(**options):
        bridges.append(serve_with_dashboard(more=more, **options))
        return bridges[-1]

    model_switcher = ModelSwitcher(bench.paths.models[0], load, lambda *network: bridges[-1].swap_model(*network))
    with Workshop(bench.paths, threads=1, low_priority=False, model_switcher=model_switcher) as workshop:
        more = [Recordings(bench.paths.recordings).pages(), workshop.pages()]
        yield start


@pytest.fixture
def open_workshop(served, visit):
    def start(**options):
        page = visit(f"{served().dashboard.address}workshop", **options)
        page.get_by_label("Start from").get_by_text("one.h5").wait_for(state="attached")
        return page

    return start


def points(page) -> int:
    """Return the number of epochs in the curves."""
    return int(page.locator("#curves .plot").first.get_attribute("data-points") or 0)


def inked(page, canvas: str) -> int:
    """Return the number of pixels of a chart that are not empty."""
    return page.locator(canvas).first.evaluate(
        """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
            return count;
        }"""
    )


def test_a_training_is_started_watched_and_stopped_on_the_page(open_workshop, bench):
    page = open_workshop(may_log_errors=True)  # of the two mistakes
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("expected at least one recording").wait_for()
    page.get_by_role("checkbox", name="meadow").check()
    page.fill("#data", str(bench.folder / "nowhere"))
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(f"there is no folder or .zip {bench.folder / 'nowhere'}").wait_for()
    page.fill("#data", "")
    page.fill("#training-name", "evening")
    page.uncheck("#promote")  # meadow has too few frames to tell which of two models is better
    page.get_by_role("button", name="Start training").click()
    page.locator("#training[data-name=evening][data-state=running]").wait_for()
    until(page, lambda: points(page) >= 2, PATIENCE)
    assert page.text_content("#training-word") == "Training"
    assert "images/s" in page.text_content("#training-detail")
    first, ink = points(page), inked(page, "#curves canvas")
    until(page, lambda: points(page) > first + 3, PATIENCE)
    assert inked(page, "#curves canvas") != ink
    page.locator("#training-pictures img").first.wait_for(timeout=PATIENCE * 1000)
    assert page.locator("#training-pictures img").first.evaluate(
        "(image) => image.decode().then(() => image.naturalWidth)"
    )
    page.reload()  # the training does not mind
    until(page, lambda: points(page) > first, PATIENCE)
    page.get_by_role("button", name="Stop").first.click()
    page.locator("#training[data-state=stopped]").wait_for(timeout=PATIENCE * 1000)
    page.get_by_role("button", name="Resume").wait_for()
    page.locator("#init option[value='evening/last.h5']").wait_for(state="attached")


@pytest.mark.parametrize(("epochs", "word"), [(5, "Not finished"), (2, "Done")])
def test_a_training_from_a_terminal_is_done_after_its_epochs(open_workshop, bench, epochs, word):
    run = bench.paths.runs / f"terminal-{epochs}"
    run.mkdir(parents=True)
    (run / "arguments.json").write_text(json.dumps({"minutes": None}))
    (run / "settings.json").write_text(json.dumps({"epochs": epochs}))
    (run / "results.csv").write_text("epoch,minutes,loss\n1,0.5,1.5\n2,1.0,1.25\n")
    (run / "checkpoint.npz").write_bytes(b"")
    page = open_workshop()
    page.select_option("#chosen", run.name)
    page.locator(f"#training[data-name={run.name}]").wait_for()
    assert page.text_content("#training-word") == word
    assert page.locator("#progress").evaluate("(bar) => bar.value") == 2 / epochs
    assert page.get_by_role("button", name="Resume").is_visible() is (word == "Not finished")
    shutil.rmtree(run)


def test_problems_of_the_data_are_shown(open_workshop, bench):
    page = open_workshop()
    page.fill("#data", str(bench.folder / "bad"))
    page.fill("#training-name", "spoilt")
    page.get_by_role("button", name="Start training").click()
    page.locator("#training[data-state=failed]").wait_for(timeout=PATIENCE * 1000)
    assert "run_1_cam1_00001.jpeg" in page.text_content("#training-complaint")


@pytest.fixture
def pseudo_labelled(bench):
    """A recording like meadow, labelled by the model."""
    run = Path(shutil.copytree(bench.paths.recordings / "meadow", bench.paths.recordings / "evening"))
    lines = (run / "frames.jsonl").read_text()
    (run / "frames.jsonl").write_text(lines.replace('"label_source":"simulator"', '"label_source":"model"'))
    yield run
    shutil.rmtree(run)


def test_the_page_warns_of_pseudo_labels_before_and_after(open_workshop, pseudo_labelled):
    page = open_workshop()
    page.get_by_role("checkbox", name="meadow").check()
    assert page.locator("#pseudo-labels").is_hidden()
    page.get_by_role("checkbox", name="meadow").uncheck()
    page.get_by_role("checkbox", name="evening").check()
    page.get_by_text("Labelled by the model itself, mistakes included: evening.").wait_for()
    page.get_by_text("To replace the model, add data or recordings with ground truth.").wait_for()
    page.screenshot(
        path=Path(SCREENSHOTS or pseudo_labelled.parents[1]) / "screenshots" / "workshop_pseudo_labels.png",
        full_page=True,
    )
    page.get_by_label("Replace the model").uncheck()
    until(page, lambda: "ground truth" not in page.text_content("#pseudo-labels"))
    page.get_by_label("Replace the model").check()
    page.fill("#training-name", "circular")
    page.get_by_role("button", name="Start training").click()
    page.locator("#training[data-name=circular][data-state=failed]").wait_for(timeout=PATIENCE * 1000)
    assert "--promote" in page.text_content("#training-complaint")


def test_two_models_are_compared_side_by_side(open_workshop, bench):
    page = open_workshop()
    page.select_option("#second", "two.h5")
    page.select_option("#source", "park")
    page.fill("#frames", "24")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("24 frames compared.").wait_for(timeout=PATIENCE * 1000)
    assert [page.text_content(f"#{side}-name") for side in SIDES] == ["one.h5", "two.h5"]
    page.get_by_text("By target size (pixels").wait_for()
    address = page.url.removesuffix("/workshop")
    rows = requests.get(f"{address}/api/workshop/comparison", timeout=30).json()["rows"]
    assert len(rows) == 24
    for order, key, sign in (
        ("lost", "gain", 1),
        ("gained", "gain", -1),
        ("differs", "differing_pixels", -1),
        ("frame", "frame", 1),
    ):
        page.select_option("#order", order)
        values = []
        for place in range(3):
            slide(page, "scrub", place)
            page.get_by_text(f"{place + 1} of 24:").wait_for()
            until(page, lambda: rows[shown(page)]["name"] in page.text_content("#frame-description"))
            values.append(sign * rows[shown(page)][key])
        assert values == sorted(sign * row[key] for row in rows)[:3]

    page.set_viewport_size({"width": 1440, "height": 900})
    pairs = {pair.name: pair for pair in find_pairs(bench.paths.recordings / "park")[0]}
    place = max(rows, key=lambda row: row["differing_pixels"] if row["hero_pixels"] > 0 else 0)["frame"]
    assert rows[place]["differing_pixels"] > 100
    _, truth = read_pair(pairs[rows[place]["name"].rpartition("/")[2]])
    slide(page, "scrub", place)
    until(page, lambda: shown(page) == place)
    slide(page, "opacity", 100)
    away = away_from(rows[place]["differing_box"])
    for side in SIDES:
        seen = requests.get(f"{address}/api/workshop/comparison/1/{side}/{place:06d}.png", timeout=30).content
        seen = cv2.imdecode(np.frombuffer(seen, np.uint8), cv2.IMREAD_COLOR)[..., 0] > 0  # BGR: the hero is blue
        assert (is_colour(grid_colours(page, f"#{side}-view", SIZE), HERO) == seen)[away].all()
    page.get_by_label("Labels").check(force=True)
    for side in SIDES:
        assert (is_colour(grid_colours(page, f"#{side}-view", SIZE), HERO) == (truth[..., 2] > 0)).all()


def test_another_model_is_activated_by_the_button(served, visit, bench, stream):
    (bench.folder / "models" / "torn.h5").write_bytes((bench.folder / "models" / "two.h5").read_bytes()[:2000])
    bridge = served()
    stream(bridge.port)
    page = visit(f"{bridge.dashboard.address}workshop")
    page.get_by_text("one.h5 is active.").wait_for()
    page.select_option("#next-model", "torn.h5")
    page.get_by_role("button", name="Activate").click()
    page.get_by_text("torn.h5 cannot be activated:").wait_for(timeout=PATIENCE * 1000)
    assert "torn.h5 is damaged, perhaps truncated" in page.text_content("#active-complaint")
    assert page.text_content("#active-name") == "one.h5"
    page.select_option("#next-model", "two.h5")
    page.get_by_role("button", name="Activate").click()
    page.get_by_text("two.h5 is active.").wait_for(timeout=PATIENCE * 1000)
    assert page.text_content("#active-complaint") == ""
    page.get_by_role("link", name="Live").click()
    page.get_by_text(f"active model: two.h5, {SIZE}x{SIZE}").wait_for()
    assert f"two.h5, {SIZE}x{SIZE}" in page.text_content("#model")
    assert bridge.sessions[0].counts.failed == 0
    (bench.folder / "models" / "torn.h5").unlink()


def away_from(box: list[int] | None) -> np.ndarray:
    """Return (SIZE, SIZE) bool: pixels away from the edges of a box, on which the page draws."""
    if box is None:
        return np.ones((SIZE, SIZE), bool)
    places = np.arange(SIZE)
    rows, columns = (np.minimum(abs(places - box[i]), abs(places - box[i + 2])) > 2 for i in (0, 1))
    return rows[:, None] & columns[None]


def shown(page) -> int:
    return int(page.get_attribute("#second-view", "data-frame") or -1)


def test_unauthorised_visitors_see_no_forms(served, visit):
    bridge = served(host="0.0.0.0")
    page = visit(f"http://127.0.0.1:{bridge.port}/workshop")
    page.get_by_text("Read-only").wait_for()
    assert page.get_by_role("button", name="Start training").count() == 0
    assert page.get_by_role("button", name="Compare", exact=True).count() == 0
    assert page.get_by_role("button", name="Activate").count() == 0
    page.fill("#token", bridge.dashboard.token)
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("button", name="Start training").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_screens_from_380_pixels_to_4k(open_workshop, scheme, tmp_path):
    page = open_workshop(color_scheme=scheme)
    for width, height in ((380, 800), (1440, 900), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for element in ("#activate-button", "#start", "#compare-button", "#curves canvas", "#minutes"):
            box = page.locator(element).first.bounding_box()
            assert box["width"] > 30
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        name = f"workshop_{width}_{scheme}.png"
        page.screenshot(path=Path(SCREENSHOTS or tmp_path) / "screenshots" / name, full_page=True)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, background[4:-1].split(","))) > 128) is (scheme == "light")


@pytest.fixture
def start_simulator():
    """Start the built-in simulator."""
    running = []

    def start(port: int, *options: str) -> None:
        command = [sys.executable, "-m", "simulator", "--port", str(port), "--ground-truth", *options]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_the_built_in_simulator_obeys_the_live_page(served, visit, start_simulator, finding_agent):
    episodes = []  # of each the frames

    class Witness(finding_agent):
        def __init__(self):
            self.frames = []
            episodes.append(self.frames)

        def step(self, frame, probabilities):
            self.frames.append(frame)
            return super().step(frame, probabilities)

    bridge = served(make_agent=Witness)
    page = visit(bridge.dashboard.address)
    start_simulator(bridge.port, "--seed", "4", "--people", "2", "--speed", "1")
    page.get_by_label("Speed", exact=True).wait_for(timeout=PATIENCE * 1000)
    assert page.get_attribute("#seed", "placeholder") == "5"

    def pace() -> float:
        """Return simulated seconds a second, by the simulator's own clock."""
        until(page, lambda: episodes[-1])
        first, began = episodes[-1][-1].timestamp, time.monotonic()
        page.wait_for_timeout(2000)
        return (episodes[-1][-1].timestamp - first) / (time.monotonic() - began)

    assert pace() < 1.3
    slide(page, "speed", 6)
    page.locator("#speed").dispatch_event("change")
    until(page, lambda: bridge.sessions[0].simulator_info.speed == 6)
    assert pace() > 2  # a busy machine may not get to 6

    page.fill("#seed", "9")
    page.fill("#people", "3")
    page.get_by_role("button", name="New episode").click()
    page.locator("#seed[placeholder='10']").wait_for(timeout=PATIENCE * 1000)
    assert [session.simulator_info for session in bridge.sessions] == [SimulatorInfo(9, 3, 6)]
    until(page, lambda: episodes[-1])
    starts = [Episode(seed, people=3).observe().target for seed in (4, 9)]
    assert np.hypot(starts[0].x - starts[1].x, starts[0].y - starts[1].y) > 20
    for frames, start in zip(episodes, starts, strict=True):
        x, y, _ = frames[0].ground_truth_target
        assert np.hypot(x - start.x, y - start.y) < 5  # the target walks on until the first frame arrives
    page.get_by_role("tab", name="simulator 2").wait_for()
    until(page, lambda: page.get_attribute("#camera-view", "data-frame") is not None)
    page.get_by_text("new episode: seed 9, 3 people").wait_for()
