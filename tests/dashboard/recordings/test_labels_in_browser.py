"""Correcting labels in a real browser: each tool with mouse, keys and touch, saving, two people, a server that dies."""

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from dashboard.pages import TOKEN
from dashboard.recordings.routes import Recordings
from dataset.masks.labels import decode_labels
from dataset.pairs import find_pairs
from dataset.recordings.recording import open_recording
from dataset.review.relabelling import NewLabels, read_log, replace_labels
from dataset.schema import BACKGROUND, HERO, PEOPLE
from tests.dashboard.browser import COMES_BACK, SCREENSHOTS, cut_off, grid_colours, until
from tests.walk import SIZE

WALK = Path(__file__).parents[2] / "dataset" / "recordings" / "walk"
IMAGES = "/api/recordings/walk/images/"
TARGET, BYSTANDER, WALL = (
    (slice(100, 140), slice(60, 80)),
    (slice(90, 130), slice(150, 166)),
    (slice(20, 30), slice(200, 220)),
)


def scene(**classes: int) -> np.ndarray:
    """Labels of a target, a bystander and a piece of wall."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    for place, name, label in ((TARGET, "target", HERO), (BYSTANDER, "bystander", PEOPLE), (WALL, "wall", BACKGROUND)):
        labels[place] = classes.get(name, label)
    return labels


@pytest.fixture
def walk(tmp_path):
    """The walk; its frame 5 shows the scene with the bystander and the target interchanged, and wall as target."""
    walk = Path(shutil.copytree(WALK, tmp_path / "runs" / "walk"))
    wrong = scene(target=PEOPLE, bystander=HERO, wall=HERO)
    replace_labels(open_recording(walk), [NewLabels("000005", wrong, "model", "first")])
    return walk


@pytest.fixture
def bridge(serve_with_dashboard, walk):
    return serve_with_dashboard(more=[Recordings(walk.parent).pages()])


@pytest.fixture
def correct(bridge, visit):
    """Open the page on a frame."""

    def start(frame: str = "000005", **options):
        page = visit(f"{bridge.dashboard.address}recordings/walk/labels#{frame}", **options)
        until(page, lambda: page.get_attribute("#picture", "data-frame") == frame)
        until(page, lambda: page.text_content("#count") != "")
        return page

    return start


def on_disk(walk: Path, frame: str = "000005") -> np.ndarray:
    return decode_labels((walk / "masks" / f"{frame}.png").read_bytes(), (SIZE, SIZE))


def source(walk: Path, frame: str = "000005") -> tuple[str, str]:
    record = next(record for record in open_recording(walk).frames if record.frame == frame)
    return record.label_source, record.labelled_by


def point(page, row: float, column: float) -> tuple[float, float]:
    """Return x and y on the page of a pixel of the whole image."""
    box = page.locator("#picture").bounding_box()
    scale = min(box["width"], box["height"]) / SIZE
    left, top = box["x"] + (box["width"] - SIZE * scale) / 2, box["y"] + (box["height"] - SIZE * scale) / 2
    return left + (column + 0.5) * scale, top + (row + 0.5) * scale


def middle(place: tuple[slice, slice]) -> tuple[float, float]:
    return tuple((part.start + part.stop - 1) / 2 for part in place)


def save(page, walk: Path, frame: str = "000005") -> None:
    """Wait for the frame, press Enter, and wait until the frame is a person's."""
    until(page, lambda: page.text_content("#frame-name") == frame)
    page.locator("#save:enabled").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text(f"Frame {frame} is ground truth now.").wait_for()
    assert source(walk, frame)[0] == "person"


def drag(page, *places: tuple[float, float]) -> None:
    page.mouse.move(*point(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*point(page, *place), steps=4)
    page.mouse.up()


def test_one_click_makes_a_person_the_target_and_another_click_takes_it_back(correct, walk):
    page = correct()
    page.mouse.click(*point(page, *middle(TARGET)))
    assert page.text_content("#hero-pixels") == "800 px"
    assert page.get_by_role("button", name="Save", exact=True).is_enabled()
    page.fill("#by", "Ada")
    page.locator("#picture").focus()
    before = on_disk(walk)
    save(page, walk)
    np.testing.assert_array_equal(on_disk(walk), scene(bystander=PEOPLE, wall=PEOPLE))  # the only target
    assert source(walk) == ("person", "Ada")
    kept = read_log(walk)[-1]
    assert (kept.frame, kept.replaced_by, kept.label_source) == ("000005", "Ada", "model")
    np.testing.assert_array_equal(decode_labels((walk / "old_masks" / kept.file).read_bytes(), (SIZE, SIZE)), before)


def test_all_is_done_by_keyboard_alone(correct, walk):
    page = correct()
    for key in ("c", " "):  # the largest: who is the target
        page.keyboard.press(key)
    assert page.text_content("#hero-pixels") == "800 px"
    for key in ("x", "z"):
        page.keyboard.press(key)
    assert page.text_content("#hero-pixels") == "800 px"
    page.keyboard.press("Control+z")
    assert page.text_content("#hero-pixels") == "840 px"  # bystander and wall, as it was
    page.keyboard.press("Control+Shift+z")
    assert page.text_content("#hero-pixels") == "800 px"
    # The wall, now people: erased by filling with background is no tool, so by the eraser at its size.
    for key in ("c", "c", "e", *["]"] * 35, " "):
        page.keyboard.press(key)
    save(page, walk)
    np.testing.assert_array_equal(on_disk(walk), scene())
    until(page, lambda: page.get_attribute("#picture", "data-frame") != "000005")  # and on


def test_brush_eraser_and_fill_change_what_they_touch_and_nothing_outside_the_picture_matters(correct, walk):
    page = correct()
    page.keyboard.press("x")
    page.keyboard.press("b")
    drag(page, (10, 10), (10, 30), (30, 30), (30, 10), (10, 10))
    page.keyboard.press("f")
    page.mouse.click(*point(page, 20, 20))
    drawn = int(page.text_content("#hero-pixels").split()[0])
    assert 25 * 25 - 16 <= drawn <= 25 * 25
    page.keyboard.press("b")
    page.keyboard.press("2")
    box = page.locator("#picture").bounding_box()
    page.mouse.move(*point(page, 200, 250))
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 40, point(page, 200, 250)[1], steps=3)
    page.mouse.move(*point(page, 270, 250), steps=3)
    page.mouse.up()
    page.keyboard.press("e")
    drag(page, (20, 0), (20, 40))
    save(page, walk)
    labels = on_disk(walk)
    assert not (labels[18:23] == HERO).any()
    assert (labels[10:17, 10:30] == HERO).all()
    assert (labels[200, 248:] == PEOPLE).all()
    assert (labels[201:, 245:] == PEOPLE).any()
    assert labels.shape == (SIZE, SIZE)


def test_a_brush_of_one_pixel_meets_the_pixel_under_it_when_enlarged(correct, walk):
    page = correct()
    for key in ("x", "b", *["["] * 10):
        page.keyboard.press(key)
    page.mouse.move(*point(page, 50, 50))
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.mouse.down()
    page.mouse.up()
    page.keyboard.press("0")
    save(page, walk)
    np.testing.assert_array_equal(np.argwhere(on_disk(walk) == HERO), [[50, 50]])


def test_a_trackpad_zooms_as_far_as_a_mouse_that_turns_as_far(correct):
    page = correct()
    page.mouse.move(*point(page, *middle(TARGET)))
    whole = grid_colours(page, "#picture")
    page.mouse.wheel(0, -100)
    until(page, lambda: (grid_colours(page, "#picture") != whole).any())
    zoomed = grid_colours(page, "#picture")
    page.keyboard.press("0")
    for _ in range(20):
        page.mouse.wheel(0, -5)
    until(page, lambda: (grid_colours(page, "#picture") == zoomed).mean() > 0.99)
    page.mouse.wheel(40, 0)
    page.wait_for_timeout(300)
    assert (grid_colours(page, "#picture") == zoomed).mean() > 0.99  # sideways is no zoom


@pytest.mark.parametrize(("tool", "place"), [("v", TARGET), ("f", TARGET), ("b", WALL)])
def test_a_touch_that_the_system_takes_away_changes_nothing(bridge, visit, tool, place):
    page = visit(f"{bridge.dashboard.address}recordings/walk/labels#000005", has_touch=True)
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000005")
    page.keyboard.press("x")
    page.keyboard.press(tool)
    x, y = point(page, *middle(place))
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})
    page.wait_for_timeout(300)
    assert page.text_content("#hero-pixels") == "0 px"
    page.keyboard.press("z")
    assert page.text_content("#hero-pixels") == "840 px"  # the step before is still the last one


@pytest.mark.parametrize(("tool", "first", "second"), [("v", TARGET, WALL), ("f", TARGET, WALL), ("e", WALL, TARGET)])
def test_zooming_with_two_fingers_changes_nothing(bridge, visit, tool, first, second):
    """The first finger on a person whom the tool would change, or where it would change nothing."""
    page = visit(f"{bridge.dashboard.address}recordings/walk/labels#000005", has_touch=True)
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000005")
    page.keyboard.press("x")
    page.keyboard.press(tool)
    assert page.text_content("#hero-pixels") == "0 px"
    fingers, session = [], page.context.new_cdp_session(page)
    for place in (first, second):
        x, y = point(page, *middle(place))
        fingers.append({"x": x, "y": y, "id": len(fingers)})
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers})
    fingers[1]["x"] += 30
    session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": fingers})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.text_content("#hero-pixels") == "0 px"
    page.keyboard.press("z")
    assert page.text_content("#hero-pixels") == "840 px"  # the step before is still the last one


def test_the_brush_is_resized_on_keyboards_that_need_alt_gr_for_brackets(correct):
    page = correct()
    size = page.locator("#size")

    def press(key: str, alt_gr: bool) -> str:
        modifiers = {"ctrlKey": True, "altKey": True, "modifierAltGraph": alt_gr}  # as on Windows
        page.locator("#picture").dispatch_event("keydown", {"key": key, "bubbles": True} | modifiers)
        return size.input_value()

    assert [press("]", True), press("]", True), press("[", True)] == ["6", "7", "6"]
    assert press("]", False) == "6"  # Ctrl with Alt belongs to the browser
    for key in (".", ".", ","):
        page.keyboard.press(key)
    assert size.input_value() == "7"


def test_a_key_that_is_held_down_accepts_one_frame(correct, walk):
    page = correct()
    page.keyboard.down("Enter")
    page.get_by_text("Frame 000005 is ground truth now.").wait_for()
    until(page, lambda: page.get_attribute("#picture", "data-frame") != "000005")
    following = page.get_attribute("#picture", "data-frame")
    page.locator("#save:enabled").wait_for()
    page.keyboard.down("Enter")  # again, as keyboards do
    page.wait_for_timeout(300)
    page.keyboard.up("Enter")
    assert source(walk, following)[0] == "model"


def test_the_space_key_that_is_held_down_uses_the_tool_once(correct):
    page = correct()
    page.keyboard.press("c")
    for _ in range(2):  # as keyboards do
        page.keyboard.down(" ")
    page.keyboard.up(" ")
    assert page.text_content("#hero-pixels") == "800 px"


def test_a_frame_that_labels_are_propagated_to_while_it_is_shown_is_loaded_again(correct, walk):
    page = correct("000006")
    save(page, walk, "000006")
    page.goto(page.url.partition("#")[0] + "#000006")
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000006")
    calls = []
    page.route("**/propagate", lambda call: calls.append(call))
    page.keyboard.press("m")
    until(page, lambda: calls)
    page.keyboard.press("ArrowRight")
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000007")
    calls[0].continue_()
    until(page, lambda: "propagated, not looked at" in page.text_content("#whose"))
    page.get_by_text("It ends here").wait_for()
    assert page.locator("#save").is_enabled()


def test_the_page_shows_what_others_have_changed_when_it_comes_back_from_the_browsers_memory(correct, walk):
    page = correct()
    replace_labels(open_recording(walk), [NewLabels("000005", scene(), "person", "Bob")])
    page.evaluate(COMES_BACK)
    until(page, lambda: "by Bob" in page.text_content("#whose"))
    assert page.text_content("#hero-pixels") == "800 px"
    page.keyboard.press("x")
    replace_labels(open_recording(walk), [NewLabels("000005", scene(target=PEOPLE), "person", "Eve")])
    page.evaluate(COMES_BACK)
    page.wait_for_timeout(300)
    assert page.text_content("#hero-pixels") == "0 px"  # a draft stays
    assert page.get_by_role("button", name="Save", exact=True).is_enabled()


def test_only_the_frame_in_the_picture_is_changed(correct):
    """The next one has a draft, and its image takes long to arrive."""
    page = correct("000006")
    page.keyboard.press("x")
    page.keyboard.press("ArrowLeft")
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000005")
    page.evaluate(
        """(image) => {
            const fetchNow = window.fetch;
            const arrives = new Promise((resolve) => { window.deliver = resolve; });
            window.fetch = async (path, options) => {
                if (path === image) await arrives;
                return fetchNow(path, options);
            };
        }""",
        IMAGES + "000006.jpeg",
    )
    page.keyboard.press("b")
    drag(page, (10, 10))
    page.mouse.down()
    page.keyboard.press("ArrowRight")
    page.mouse.move(*point(page, 40, 40))  # the stroke ends with its frame
    page.mouse.up()
    drag(page, (10, 100), (40, 100))
    for key in ("z", "Escape", "c", " "):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    page.evaluate("deliver()")
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000006")
    assert page.text_content("#hero-pixels") == "0 px"
    page.keyboard.press("z")
    assert page.text_content("#hero-pixels") != "0 px"  # the step before is still the last one
    page.keyboard.press("ArrowLeft")
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000005")
    assert int(page.text_content("#hero-pixels").split()[0]) < 840 + 50  # a dot was painted, no line


def test_a_mask_that_cannot_be_read_is_not_accepted_as_nobody(correct, walk):
    (walk / "masks" / "000005.png").write_bytes(b"damaged")
    page = correct()
    page.keyboard.press("Enter")
    assert page.locator("#save").is_disabled()
    page.keyboard.press("b")
    drag(page, (10, 10), (10, 30))
    assert page.locator("#save").is_enabled()
    page.keyboard.press("z")
    assert page.locator("#save").is_disabled()
    assert source(walk)[0] == "model"
    page.keyboard.press("x")  # somebody has looked, and says that no target is there
    save(page, walk)
    np.testing.assert_array_equal(on_disk(walk), np.zeros((SIZE, SIZE), np.uint8))


def is_empty(page) -> bool:
    return page.locator("#picture").evaluate(
        "(canvas) => !canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    )


def test_labels_without_their_image_are_not_accepted_until_it_is_loaded(correct, walk):
    page = correct(may_log_errors=True)
    cut_off(page, "**/images/000006.jpeg", IMAGES + "000006.jpeg")
    page.keyboard.press("ArrowRight")
    page.get_by_text("This image cannot be read").wait_for()
    assert page.text_content("#frame-name") == "000006"
    assert page.locator("#save").is_disabled()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert source(walk, "000006")[0] == "model"
    page.unroute("**/images/000006.jpeg")
    page.get_by_role("button", name="Load again").click()
    page.locator("#load").wait_for(state="hidden")
    save(page, walk, "000006")


def test_a_frame_that_cannot_be_loaded_does_not_show_the_one_before(correct):
    page = correct(may_log_errors=True)
    assert not is_empty(page)
    page.route("**/labels/000006", lambda call: call.abort())
    page.keyboard.press("ArrowRight")
    page.get_by_text("The follower did not answer.").wait_for()
    assert page.text_content("#frame-name") == "000006"
    assert is_empty(page)
    page.locator("#picture").hover()
    page.mouse.wheel(0, -100)  # there is nothing to enlarge
    page.unroute("**/labels/000006")
    page.get_by_role("button", name="Load again").click()
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000006")
    assert not is_empty(page)


def test_the_time_of_a_change_is_that_of_the_clock_on_the_wall(correct, walk):
    page = correct(timezone_id="Asia/Kolkata", locale="en-GB")
    changed = datetime.fromisoformat(read_log(walk)[-1].replaced).astimezone(timezone(timedelta(hours=5.5)))
    assert f"changed {changed:%d/%m/%Y, %H:%M}" in page.text_content("#whose")


def test_accepting_makes_ground_truth_of_labels_as_they_are_and_restoring_takes_it_back(correct, walk):
    page = correct()
    before = on_disk(walk)
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("Frame 000005 is ground truth now.").wait_for()
    np.testing.assert_array_equal(on_disk(walk), before)
    page.goto(page.url.partition("#")[0] + "#000005")
    until(page, lambda: "ground truth, by a person" in page.text_content("#whose"))
    page.get_by_role("button", name="Restore").click()
    until(page, lambda: source(walk) == ("model", "first"))


def test_of_two_people_the_later_one_is_told_and_loses_nothing(correct, walk):
    one, other = correct(), correct(may_log_errors=True)
    for page, key in ((one, "x"), (other, "c")):
        page.keyboard.press(key)
    other.keyboard.press(" ")
    save(one, walk)
    first = on_disk(walk)
    other.keyboard.press("Enter")
    other.get_by_text("were changed by a person since you loaded them").wait_for()
    np.testing.assert_array_equal(on_disk(walk), first)
    assert other.text_content("#hero-pixels") == "800 px"  # still there
    other.keyboard.press("Escape")
    until(other, lambda: other.text_content("#hero-pixels") == "0 px")
    other.keyboard.press("z")
    other.keyboard.press("Enter")
    until(other, lambda: (on_disk(walk) == HERO).sum() == 800)


def go_to(page, frame: str) -> None:
    page.evaluate("(frame) => { location.hash = frame; }", frame)
    until(page, lambda: page.get_attribute("#picture", "data-frame") == frame)


@pytest.mark.parametrize("key", ["Enter", "r"])
def test_a_frame_that_somebody_else_has_saved_is_loaded_again(correct, walk, key):
    page = correct(may_log_errors=True)
    replace_labels(open_recording(walk), [NewLabels("000005", scene(), "person", "Bob")])
    page.keyboard.press(key)
    page.get_by_text("yours are not saved: load the frame again").wait_for()
    page.get_by_role("button", name="Load again").click()
    until(page, lambda: "by Bob" in page.text_content("#whose"))
    assert page.locator("#load").is_hidden()
    assert page.text_content("#control-error") == ""
    assert page.text_content("#hero-pixels") == "800 px"
    replace_labels(open_recording(walk), [NewLabels("000005", scene(target=PEOPLE), "person", "Eve")])
    go_to(page, "000006")
    go_to(page, "000005")
    assert "by Eve" in page.text_content("#whose")
    save(page, walk)


def test_what_was_saved_can_be_undone_later(correct, walk):
    page = correct()
    before = on_disk(walk)
    page.keyboard.press("x")
    save(page, walk)
    go_to(page, "000006")
    go_to(page, "000005")
    page.get_by_role("button", name="Undo").click()
    save(page, walk)
    np.testing.assert_array_equal(on_disk(walk), before)


def test_a_server_that_dies_during_a_save_costs_nothing(correct, bridge, walk, monkeypatch):
    page = correct(may_log_errors=True)
    page.keyboard.press("x")
    cut_off(page)
    page.keyboard.press("Enter")
    page.get_by_text("The follower did not answer.").wait_for()
    page.keyboard.press("ArrowRight")
    page.unroute("**/api/**")
    page.keyboard.press("ArrowLeft")
    until(page, lambda: page.text_content("#hero-pixels") == "0 px")
    save(page, walk)
    assert not (on_disk(walk) == HERO).any()


def test_after_a_restart_the_new_token_is_asked_for_and_drafts_stay(serve_with_dashboard, visit, walk):
    bridge = serve_with_dashboard(host="0.0.0.0", more=[Recordings(walk.parent).pages()])
    address, _, token = bridge.dashboard.address.partition("#")
    page = visit(f"{address}#{token}", may_log_errors=True)  # which the browser keeps
    page.goto(f"{address}recordings/walk/labels#000005")
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000005")
    page.keyboard.press("x")
    bridge.app.config[TOKEN] = "another"
    page.keyboard.press("Enter")
    page.get_by_text("The token is not valid any more").wait_for()
    page.fill("#token", "another")
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Frame 000005 is ground truth now.").wait_for()
    assert not (on_disk(walk) == HERO).any()


def test_a_recording_that_is_being_written_is_left_alone(correct, walk):
    from dataset.recordings.layout import lock

    page = correct(may_log_errors=True)
    page.keyboard.press("x")
    claim = lock(walk)
    page.keyboard.press("Enter")
    page.get_by_text("is being written by another process: wait until it ends").wait_for()
    claim.release()
    save(page, walk)


def test_labels_are_propagated_along_the_walk(correct, walk):
    wrong = [
        NewLabels(
            record.frame,
            np.where(on_disk(walk, record.frame) == HERO, PEOPLE, BACKGROUND).astype(np.uint8),
            "model",
            "",
        )
        for record in open_recording(walk).frames[6:10]
    ]
    truth = [on_disk(WALK, change.frame) for change in wrong]
    replace_labels(open_recording(walk), wrong)
    page = correct("000006")
    for key in ("c", " "):
        page.keyboard.press(key)
    save(page, walk, "000006")
    page.goto(page.url.partition("#")[0] + "#000006")
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000006")
    page.keyboard.press("m")
    page.get_by_text("It ends here: frame 000012: nobody is where the target should be").wait_for()
    for change, expected in zip(wrong, truth, strict=True):
        np.testing.assert_array_equal(on_disk(walk, change.frame), expected)
    assert source(walk, "000011") == ("propagated", "a person, from frame 000006")
    propagated = {pair.name for pair in find_pairs(walk)[0] if pair.pseudo_labelled and not pair.corrected}
    assert {"000007", "000011"} <= propagated  # until somebody looks
    page.keyboard.press("ArrowRight")
    page.get_by_text("propagated, not looked at, by a person, from frame 000006").wait_for()
    assert page.locator("#propagate").is_disabled()
    save(page, walk, "000007")
    assert source(walk, "000012")[0] == "model"


def test_frames_worth_a_look_are_listed_with_reasons_and_left_one_by_one(correct, walk):
    page = correct()
    first = page.locator("#suspects button", has_text="000005")
    assert "groups of pixels far apart are labelled as the target" in first.text_content()
    count = int(page.text_content("#count"))
    first.click()
    save(page, walk)
    until(page, lambda: page.text_content("#count") == str(count - 1))
    page.reload()
    until(page, lambda: page.text_content("#count") == str(count - 1))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_is_used_by_touch(bridge, visit, walk, scheme, tmp_path):
    size = {"width": 380, "height": 800}
    page = visit(
        f"{bridge.dashboard.address}recordings/walk/labels#000005", color_scheme=scheme, has_touch=True, viewport=size
    )
    until(page, lambda: page.get_attribute("#picture", "data-frame") == "000005")
    page.touchscreen.tap(*point(page, *middle(TARGET)))
    until(page, lambda: page.text_content("#hero-pixels") == "800 px")
    for width, height in ((380, 800), (1280, 800), (2560, 1440)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for each in ("#picture", "#save", "#propagate", "#undo", "#by"):
            box = page.locator(each).bounding_box()
            assert box["width"] > 30
            assert box["height"] > 24
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width
            if width > 1000:
                assert box["y"] + box["height"] <= height  # all in one screen
        folder = Path(SCREENSHOTS or tmp_path) / "screenshots"
        page.screenshot(path=folder / f"labels_{width}_{scheme}.png", full_page=width < 1000)
    page.get_by_role("button", name="Save", exact=True).tap()
    until(page, lambda: source(walk)[0] == "person")
