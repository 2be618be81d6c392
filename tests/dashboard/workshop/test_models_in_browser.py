"""The workshop in a real browser: comparing and activating models, access, layout."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from dataset.pairs import find_pairs, read_pair
from tests.dashboard.browser import HERO, PATIENCE, SCREENSHOTS, cut_off, grid_colours, is_colour, slide, until
from tests.dashboard.workshop.workbench import SIZE, write_training

SIDES = ("first", "second")


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
        assert (is_colour(grid_colours(page, f"#{side}-view", SIZE), HERO) == (truth == 2)).all()


def test_rows_that_two_calls_have_asked_for_are_shown_once(open_workshop):
    page, calls = open_workshop(may_log_errors=True), []  # there are no pictures of these frames
    page.route("**/api/workshop/comparison/start", lambda route: route.fulfill(json={}))
    page.route("**/api/workshop/comparison?from=*", lambda route: calls.append(route))
    until(page, lambda: len(calls) == 1)
    page.get_by_role("button", name="Compare", exact=True).click()
    until(page, lambda: len(calls) == 2)
    result = {"hero_pixels": 0, "gain": 0, "detected": [False] * 2, "differing_pixels": 0}
    rows = [result | {"name": f"park/{frame:06d}", "image": f"{frame:06d}.jpg", "frame": frame} for frame in range(3)]
    ended = {"number": 0, "state": "ended", "exit_status": 0}
    for call in calls[:2]:
        call.fulfill(json={"process": ended, "frames": 3, "rows": rows})
    until(page, lambda: len(calls) == 3)
    assert calls[2].request.url.endswith("?from=3")


def test_pictures_that_did_not_arrive_are_asked_for_again(open_workshop):
    page = open_workshop(may_log_errors=True)  # in the end, there are no pictures of these frames
    row = {"hero_pixels": 0, "gain": 0, "detected": [False] * 2, "differing_pixels": 0, "image": "000000.jpg"}
    rows = [row | {"name": f"park/{frame:06d}", "frame": frame} for frame in range(2)]
    answer = {"process": {"number": 0, "state": "ended", "exit_status": 0}, "frames": 2, "rows": rows}
    cut_off(page, "**/comparison/0/**", "/api/workshop/comparison/0/images/000000.jpg")
    page.route("**/comparison?from=0", lambda call: call.fulfill(json=answer))
    page.get_by_text("The pictures of this frame did not arrive.").wait_for()
    page.unroute("**/comparison/0/**")
    slide(page, "scrub", 1)
    slide(page, "scrub", 0)
    page.get_by_text("The pictures of this frame cannot be read.").wait_for()


def test_another_model_is_activated_by_the_button(serve_workshop, visit, bench, stream):
    (bench.folder / "models" / "torn.h5").write_bytes((bench.folder / "models" / "two.h5").read_bytes()[:2000])
    bridge = serve_workshop()
    stream(bridge.port)
    page = visit(f"{bridge.dashboard.address}workshop")
    page.get_by_text("one.h5 is active.").wait_for()
    page.select_option("#next-model", "torn.h5")
    page.get_by_role("button", name="Activate").click()
    page.get_by_text("torn.h5 cannot be activated:").wait_for(timeout=PATIENCE * 1000)
    assert "torn.h5 is damaged, perhaps truncated" in page.text_content("#active-error")
    assert page.text_content("#active-name") == "one.h5"
    page.select_option("#next-model", "two.h5")
    page.get_by_role("button", name="Activate").click()
    page.get_by_text("two.h5 is active.").wait_for(timeout=PATIENCE * 1000)
    assert page.text_content("#active-error") == ""
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


def test_unauthorised_visitors_see_no_forms(serve_workshop, visit):
    bridge = serve_workshop(host="0.0.0.0")
    page = visit(f"http://127.0.0.1:{bridge.port}/workshop")
    page.get_by_text("Read-only").wait_for()
    assert page.get_by_role("button", name="Start training").count() == 0
    assert page.get_by_role("button", name="Compare", exact=True).count() == 0
    assert page.get_by_role("button", name="Activate").count() == 0
    page.fill("#token", bridge.dashboard.token)
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("button", name="Start training").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_screens_from_380_pixels_to_4k(open_workshop, bench, scheme, tmp_path):
    write_training(bench.paths.runs / scheme, 5)
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
