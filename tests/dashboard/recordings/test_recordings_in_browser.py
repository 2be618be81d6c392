"""The pages of recordings in a real browser: list, playback, statistics, hiding and restoring, layout."""

import json
import shutil
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from dashboard.recordings.routes import Recordings
from dataset.pairs import find_pairs
from dataset.recordings.recording import open_recording
from dataset.recordings.statistics import statistics_of
from dataset.review.relabelling import NewLabels, replace_labels
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.settings import RecordingSettings
from tests.dashboard.browser import (
    COMES_BACK,
    GRID,
    HERO,
    PEOPLE,
    SCREENSHOTS,
    Network,
    cut_off,
    grid_colours,
    is_colour,
    slide,
    until,
)

WALK = Path(__file__).parents[2] / "dataset" / "recordings" / "walk"
LONG = 10_000  # frames


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def recorder(folder):
    with Recorder(RecordingSettings(folder=str(folder), min_free_gigabytes=0)) as recorder:
        yield recorder


@pytest.fixture
def bridge(serve_with_dashboard, finding_agent, recorder, folder):
    more = [Recordings(folder).pages()]
    return serve_with_dashboard(finding_agent, recorder=recorder, segmenter=Network(), more=more)


@pytest.fixture
def walk(folder):
    return Path(shutil.copytree(WALK, folder / "walk"))


@pytest.fixture
def open_player(bridge, visit):
    """Open a recording; return the page once its first image is shown."""

    def start(name: str, **options):
        page = visit(f"{bridge.dashboard.address}recordings/{name}", **options)
        until(page, lambda: shown(page))
        return page

    return start


def shown(page) -> str:
    return page.get_attribute("#camera-view", "data-frame")


def frames_shown(page) -> int:
    return int(page.get_attribute("#strip", "aria-valuemax")) + 1


def numbers(page) -> dict[str, str]:
    """Return the displayed statistics by name."""
    terms, values = (page.locator(f"#numbers {tag}").all_text_contents() for tag in ("dt", "dd"))
    return dict(zip(terms, values, strict=True))


def wait_for(page, frame: str) -> None:
    until(page, lambda: shown(page) == frame)


def classes_on_disk(run: Path, frame: str) -> np.ndarray:
    """Return (GRID, GRID, 3) bool: background, people, hero in the middle of each square."""
    mask = cv2.cvtColor(cv2.imread(str(run / "masks" / f"{frame}.png")), cv2.COLOR_BGR2RGB)
    middles = (np.arange(GRID) * 2 + 1) * len(mask) // (2 * GRID)
    return mask[np.ix_(middles, middles)] > 0


def hidden_numbers(run: Path) -> set[int]:
    """Return the frames that are hidden from training."""
    everything = {int(frame.frame) for frame in open_recording(run).frames}
    return everything - {int(pair.name) for pair in find_pairs(run)[0]}


def test_a_recording_made_with_the_button_is_listed_and_played_with_its_mask(bridge, stream, visit, folder):
    stream(bridge.port)
    page = visit(bridge.dashboard.address)
    page.get_by_text("Following", exact=True).wait_for()
    page.fill("#recording-name", "by_button")
    page.click("#record-button")
    page.get_by_role("button", name="Stop recording").wait_for()
    lines = folder / "by_button" / "frames.jsonl"
    until(page, lambda: lines.exists() and lines.read_bytes().count(b"\n") >= 12)
    page.click("#record-button")
    page.get_by_role("button", name="Record", exact=True).wait_for()
    page.get_by_role("link", name="Recordings").click()
    page.get_by_role("link", name="by_button").click()
    until(page, lambda: shown(page))
    first = shown(page)
    slide(page, "opacity", 100)
    colours, classes = grid_colours(page), classes_on_disk(folder / "by_button", first)
    away = np.ones((GRID, GRID), bool)
    away[11:21, 12:] = False  # where box, cross and label are drawn
    for colour, channel in ((HERO, 2), (PEOPLE, 1)):
        assert classes[away][:, channel].any()
        assert (is_colour(colours, colour) == classes[..., channel])[away].all()
    slide(page, "opacity", 0)
    assert not is_colour(grid_colours(page), HERO).any()
    dark, place = grid_colours(page)[-1, 0], page.get_attribute("#map-view", "data-camera")
    page.click("#play")
    until(page, lambda: shown(page) >= f"{int(first) + 4:06d}")
    page.click("#play")
    bright = grid_colours(page)[-1, 0]
    assert (bright > dark).all()  # each picture of the stream is a little brighter than the one before
    assert page.get_attribute("#map-view", "data-camera") != place
    frames = open_recording(folder / "by_button").frames
    apart = [np.hypot(*np.subtract(frame.track_point, frame.ground_truth_target)[:2]) for frame in frames]
    until(page, lambda: numbers(page).get("wrong person followed") == str(np.count_nonzero(np.array(apart) > 5)))
    page.get_by_role("link", name="Live").click()
    page.get_by_text("Following", exact=True).wait_for()


def test_strip_and_keyboard_select_the_frame(open_player, walk):
    page = open_player("walk")
    assert shown(page) == "000000"
    strip = page.locator("#strip")
    box = strip.bounding_box()
    strip.click(position={"x": box["width"] * 20.5 / 30, "y": 20})
    wait_for(page, "000020")
    assert strip.get_attribute("aria-valuenow") == "20"
    for key, frame in (
        ("ArrowLeft", "000019"),
        ("ArrowRight", "000020"),
        ("Shift+ArrowLeft", "000010"),
        ("End", "000029"),
        ("ArrowRight", "000029"),
        ("Home", "000000"),
    ):
        page.keyboard.press(key)
        wait_for(page, frame)
    page.select_option("#speed", "4")
    page.locator("#strip").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    wait_for(page, "000029")  # plays to the end, and stops there
    page.get_by_role("button", name="Play").wait_for()
    lost = page.locator("#moment-lines [data-kind=lost] button")
    lost.click()
    record = next(frame for frame in open_recording(walk).frames if frame.changed and frame.state == "lost")
    wait_for(page, record.frame)
    page.get_by_label("Depth").check(force=True)
    wait_for(page, record.frame)
    until(page, lambda: np.ptp(grid_colours(page)[-1, GRID // 2]) > 40)  # near: green or yellow, not grey


def test_a_range_is_hidden_from_training_and_restored(open_player, walk):
    page = open_player("walk")
    strip = page.locator("#strip")
    box = strip.bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 5.5 / 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 9.5 / 30, box["y"] + 30)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.get_by_text("frames 000005 to 000009 (5)", exact=True).wait_for()
    drawn = page.locator("#strip-selection").bounding_box()
    assert drawn["x"] - box["x"] == pytest.approx(box["width"] * 5 / 30, abs=1)
    assert drawn["width"] == pytest.approx(box["width"] * 5 / 30, abs=1)
    page.get_by_role("button", name="Hide").click()
    until(page, lambda: hidden_numbers(walk) == {5, 6, 7, 8, 9})
    until(page, lambda: "hidden" in page.text_content("#position"))
    until(page, lambda: (numbers(page)["frames"], numbers(page)["hidden from training"]) == ("5", "5"))
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    for key in ("Shift+ArrowRight", "ArrowLeft", "ArrowLeft", "i", "ArrowRight", "o"):
        page.keyboard.press(key)
    page.get_by_text("frames 000008 to 000009 (2)", exact=True).wait_for()
    page.get_by_role("button", name="Restore").click()
    until(page, lambda: hidden_numbers(walk) == {5, 6, 7})
    page.reload()
    until(page, lambda: shown(page))
    until(page, lambda: numbers(page).get("hidden from training") == "3")  # of the whole recording


def test_the_statistics_are_those_of_the_command(open_player, walk):
    page = open_player("walk")
    until(page, lambda: numbers(page))
    told, expected = numbers(page), statistics_of(open_recording(walk))
    assert told["frames"] == str(expected.frames)
    assert told["with the target"] == str(expected.visible)
    assert list(told.items())[4:8] == [(name, str(count)) for name, count in expected.size_bands.items()]
    assert told["found, lost"] == f"{expected.found}, {expected.lost} times"
    assert told["median range"] == f"{expected.range.median:.1f} m"
    assert told["median latency"] == f"{expected.latency.median:.1f} ms"


def test_a_recording_grows_on_the_page_while_it_is_written(bridge, recorder, stream, open_player, folder, eventually):
    stream(bridge.port)
    assert eventually(lambda: bridge.sessions and bridge.sessions[0].counts.answered)
    recorder.start("growing")
    assert eventually((folder / "growing" / "frames.jsonl").exists)
    assert eventually(lambda: (folder / "growing" / "frames.jsonl").stat().st_size)
    page = open_player("growing")
    page.get_by_text("recording now").wait_for()
    before = frames_shown(page)
    until(page, lambda: frames_shown(page) > before + 5)
    recorder.stop()
    until(page, lambda: page.locator("#recording-state").is_hidden())
    assert frames_shown(page) == len(open_recording(folder / "growing").frames)


def test_text_in_recordings_is_never_markup_and_broken_recordings_open(bridge, visit, walk, folder):
    bad = "<img src=x onerror=document.title=1>"
    name = "broken" if sys.platform == "win32" else "<b>broken"
    broken = folder / name
    shutil.copytree(walk, broken)
    lines = [json.loads(line) for line in (walk / "frames.jsonl").read_text().splitlines()]
    lines[1] |= {"note": bad, "state": bad}
    lines[2] |= {"gimbal_pose": "x", "detection": {"box": [1]}, "range": 5, "timings": [], "track_point": [None] * 3}
    damaged = [
        b"",
        b"{",
        b'{"frame":"../../x","image":"a"}',
        b"null",
        b"5",
        b'{"frame":["a"],"image":"a"}',
        b"\xff",
        json.dumps(lines[5]).encode()[:-20],
    ]
    text = b"\n".join([json.dumps(line).encode() for line in lines[:5]] + damaged)
    (broken / "frames.jsonl").write_bytes(text)
    (broken / "meta.json").write_text(
        json.dumps({"model": {"description": bad}, "frame_size": 5, "settings": None, "ended": bad})
    )
    (broken / "images" / lines[0]["image"]).write_bytes(b"no picture")
    (broken / "masks" / f"{lines[1]['frame']}.png").unlink()
    page = visit(f"{bridge.dashboard.address}recordings", may_log_errors=True)  # of the mask that is not there
    page.get_by_role("link", name=name).click()
    page.get_by_text("This image cannot be read").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_text("labels: unreadable").wait_for()
    page.get_by_text(bad).first.wait_for()
    page.keyboard.press("ArrowRight")
    wait_for(page, "000002")
    until(page, lambda: numbers(page).get("frames") == "4")  # as the command counts: one is no valid frame record
    assert page.locator("main img, main b").count() == 0
    assert page.title() == f"{name} · Follow me"
    page.goto(f"{bridge.dashboard.address}recordings/nothing")
    page.get_by_text("there is no recording 'nothing'").wait_for()


def test_a_recording_shows_corrected_labels_when_it_comes_back_from_the_browsers_memory(open_player, walk):
    page = open_player("walk")
    until(page, lambda: page.text_content("#label-source") == "labels: pseudo-labels")
    nobody = np.zeros((256, 256), np.uint8)
    replace_labels(open_recording(walk), [NewLabels(shown(page), nobody, "person", "Ada, Countess of Lovelace")])
    page.evaluate(COMES_BACK)
    until(page, lambda: page.text_content("#label-source") == "labels: ground truth, by a person")
    until(page, lambda: frames_shown(page) == 30)


@pytest.mark.parametrize("part", ["images", "masks"])
def test_a_frame_that_did_not_arrive_is_asked_for_again(open_player, walk, part):
    page = open_player("walk", may_log_errors=True)
    cut_off(page, f"**/{part}/*", f"/api/recordings/walk/{part}/000001.{'png' if part == 'masks' else 'jpeg'}")
    page.keyboard.press("ArrowRight")
    page.get_by_text("This image did not arrive").wait_for()
    page.unroute(f"**/{part}/*")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    until(page, lambda: not is_colour(grid_colours(page), (0, 0, 0)).all())
    assert page.locator("#camera-empty").is_hidden()


def test_on_a_public_address_hiding_needs_the_token(serve_with_dashboard, visit, walk, folder):
    bridge = serve_with_dashboard(host="0.0.0.0", more=[Recordings(folder).pages()])
    page = visit(bridge.dashboard.address.partition("#")[0] + "recordings/walk")
    page.get_by_text("Read-only").wait_for()
    until(page, lambda: shown(page))
    assert page.get_by_role("button", name="Hide").count() == 0
    page.fill("#token", bridge.dashboard.token)
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("button", name="Hide").click()
    until(page, lambda: hidden_numbers(walk) == {0})


def test_a_page_of_another_site_can_neither_read_nor_hide(bridge, serve, visit, walk):
    other = serve()  # another port is another site
    page = visit(f"http://127.0.0.1:{other.port}/status", may_log_errors=True)
    outcome = page.evaluate(
        """async (address) => {
            const body = '{"frames": ["all"]}';
            const json = { method: "POST", body, headers: { "Content-Type": "application/json" } };
            const read = [];
            for (const path of ["", "/walk", "/walk/frames", "/walk/hide", "/walk/images/000003.jpeg"])
                for (const options of [{}, json, { method: "POST", body, mode: "no-cors" }])
                    read.push(await fetch(address + path, options).then((answer) => answer.text()).catch(() => ""));
            const image = new Image();
            const seen = await new Promise((tell) => {
                image.onload = () => tell(true);
                image.onerror = () => tell(false);
                image.src = `${address}/walk/images/000003.jpeg`;
            });
            return { read: read.join(""), seen };
        }""",
        f"{bridge.dashboard.address}api/recordings",
    )
    assert outcome == {"read": "", "seen": False}
    assert hidden_numbers(walk) == set()


def middle(page, element: str) -> np.ndarray:
    """Return x and y of the middle of an element, pixels."""
    box = page.locator(element).bounding_box()
    return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])


def test_the_map_shows_the_flight_to_scale_and_follows_the_drone(open_player, walk):
    page = open_player("walk")
    stage, flown = (page.locator(each).bounding_box() for each in ("#map-view", "#map-trajectories"))
    assert stage["x"] < flown["x"] < flown["x"] + flown["width"] < stage["x"] + stage["width"]
    assert stage["y"] < flown["y"] < flown["y"] + flown["height"] < stage["y"] + stage["height"]
    first = middle(page, "#map-drone")
    page.keyboard.press("End")
    wait_for(page, "000029")
    pixels_per_metre = page.locator("#map-scale").bounding_box()["width"] / float(page.text_content("#map-scale")[:-2])
    poses = [frame.gimbal_pose for frame in open_recording(walk).frames]
    forward, left = np.subtract(poses[-1][:2], poses[0][:2]) * pixels_per_metre
    assert middle(page, "#map-drone") - first == pytest.approx([-left, -forward], abs=2)
    page.get_by_role("button", name="Follow drone").click()
    assert middle(page, "#map-drone") == pytest.approx(middle(page, "#map-view"), abs=8)


def test_a_long_recording_opens_quickly(open_player, walk):
    lines = [json.loads(line) for line in (walk / "frames.jsonl").read_text().splitlines()]
    with (walk / "frames.jsonl").open("w") as file:
        for number in range(LONG):
            line = lines[number % len(lines)] | {"frame": f"{number:06d}", "received": 1.7e9 + number / 5}
            line["timestamp"] = number / 5
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
    began = time.monotonic()
    page = open_player("walk", may_log_errors=True)  # of masks that are not there
    seconds = time.monotonic() - began
    assert frames_shown(page) == LONG
    print(f"{LONG} frames: opened in {seconds:.2f} s")
    assert seconds < 10  # half a second to two, on a machine with little else to do
    page.keyboard.press("End")
    wait_for(page, f"{LONG - 1:06d}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_screens_from_380_pixels_to_4k(open_player, bridge, scheme, walk, tmp_path):
    page = open_player("walk", color_scheme=scheme)
    pictures = Path(SCREENSHOTS or tmp_path) / "screenshots"
    for name, wanted in (
        ("recording", ("#camera-view", "#map-view", "#strip", "#play", "#hide", "#histograms")),
        ("recordings", ("#recordings", "#search")),
    ):
        for width, height in ((380, 800), (1440, 900), (3840, 2160)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(100)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            for element in wanted:
                box = page.locator(element).bounding_box()
                assert box["width"] > 30
                assert 0 <= box["x"] <= box["x"] + box["width"] <= width
            if name == "recording" and width >= 1440:  # pictures, strip and buttons in one screen
                bottom = page.locator("#transport").bounding_box()
                assert bottom["y"] + bottom["height"] <= height
            page.screenshot(path=pictures / f"{name}_{width}_{scheme}.png", full_page=width < 1000)
        page.get_by_role("link", name="Recordings").click()
        page.get_by_role("link", name="walk").wait_for()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, background[4:-1].split(","))) > 128) is (scheme == "light")
