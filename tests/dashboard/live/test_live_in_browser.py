"""The live page in a real browser: display, controls, reconnection, layout."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from follower.types import Decision, ObjectLost, TargetState
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.settings import REASONS, RecordingSettings
from tests.dashboard.browser import (
    GRID,
    HERO,
    PEOPLE,
    SCREENSHOTS,
    Network,
    grid_colours,
    hero_and_people,
    is_colour,
    slide,
    until,
)


@pytest.fixture
def bridge(serve_with_dashboard, finding_agent, tmp_path):
    with Recorder(RecordingSettings(folder=str(tmp_path), min_free_gigabytes=0)) as recorder:
        yield serve_with_dashboard(finding_agent, recorder=recorder, segmenter=Network())


def shown_frame(page) -> int:
    return int(page.get_attribute("#camera-view", "data-frame") or -1)


def wait_for_frame(page, after: int = -1) -> int:
    until(page, lambda: shown_frame(page) > after)
    return shown_frame(page)


def test_the_page_works_where_the_browser_may_store_nothing(bridge, stream, visit):
    """Site data are blocked, or the page is in a frame of another site."""
    stream(bridge.port)
    page = visit(bridge.dashboard.address)
    for storage in ("localStorage", "sessionStorage"):
        page.add_init_script(
            f"Object.defineProperty(window, '{storage}', {{ get() {{ throw new DOMException('no'); }} }})"
        )
    page.reload()
    wait_for_frame(page)
    page.click("#theme")
    assert page.text_content("#theme") == "Light"
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_the_image_is_updated_and_the_overlay_is_the_networks_output(bridge, stream, visit):
    stream(bridge.port)
    page = visit(bridge.dashboard.address)
    first = wait_for_frame(page)
    before = grid_colours(page)[-1, 0]
    wait_for_frame(page, first + 5)
    assert not np.array_equal(grid_colours(page)[-1, 0], before)
    assert all(
        url.startswith((bridge.dashboard.address, f"ws://127.0.0.1:{bridge.port}/", "blob:")) for url in page.asked
    )
    slide(page, "opacity", 100)
    hero, people = hero_and_people()
    away = np.ones((GRID, GRID), bool)
    away[11:21, 12:] = False  # where box, cross and label are drawn
    for threshold in (30, 70):
        slide(page, "threshold", threshold)  # takes effect without another frame
        colours = grid_colours(page)
        seen = np.round(hero * 255) > threshold * 2.55
        assert (is_colour(colours, HERO) == seen)[away].all()
        assert (is_colour(colours, PEOPLE) == (people > 0.5))[away].all()
        assert page.text_content("#hero-pixels") == f"{int(seen.sum()) * 64} px"
    assert "the flight uses 0.5" in page.text_content("#threshold-note")
    slide(page, "opacity", 0)
    assert not is_colour(grid_colours(page), HERO).any()


def test_state_map_and_timelines_follow_the_flight(bridge, stream, visit):
    page = visit(bridge.dashboard.address)
    page.get_by_text("Waiting for a simulator").wait_for()
    stream(bridge.port)
    page.get_by_text("Following", exact=True).wait_for()
    assert "target 12.0 m away, by depth" in page.text_content("#state-detail")
    number = wait_for_frame(page)
    place = page.get_attribute("#map-view", "data-camera")
    wait_for_frame(page, number + 3)
    assert page.get_attribute("#map-view", "data-camera") != place
    page.get_by_text("ground truth").wait_for()
    until(page, lambda: page.locator("#timelines output").nth(1).text_content()[0].isdigit())
    values = page.locator("#timelines output").all_text_contents()
    assert values[3:] == ["2016 px", "12.0 m"]
    assert 0 < float(values[1].split()[0]) < 15
    page.locator("#timelines .plot").nth(4).hover()  # the middle is half a minute ago, before it all began
    until(page, lambda: page.locator("#timelines output").nth(4).text_content() == "– m")  # noqa: RUF001
    page.locator("#timelines .plot").nth(4).focus()
    page.keyboard.press("ArrowLeft")  # from the newest value on
    until(page, lambda: re.fullmatch(r"12\.0 m, \d s ago", page.locator("#timelines output").nth(4).text_content()))
    page.get_by_label("Depth").check(force=True)
    wait_for_frame(page, shown_frame(page) + 1)
    slide(page, "opacity", 0)
    _, green, blue = grid_colours(page)[-1, 0]
    assert green > blue  # 50 of 255, near: green where the camera's picture is grey


def test_where_the_quad_is_sent_to_look_is_shown(serve_with_dashboard, stream, visit):
    class Looking:
        def network_picture(self, frame):
            return frame.image

        def step(self, frame, *network):
            place = (frame.pose.x + 30.0, frame.pose.y, frame.pose.z - 40.0)
            return Decision(TargetState.SEARCHING, False, (ObjectLost(place),))

    bridge = serve_with_dashboard(make_agent=Looking)
    stream(bridge.port)
    page = visit(bridge.dashboard.address)
    wait_for_frame(page)
    until(page, lambda: "sent to look at a place 50 m away" in page.text_content("#state-detail"))
    assert page.text_content("#state-word") == "Looking for the target"


def test_a_lost_target_is_looked_for_and_nothing_is_said_of_a_patrol(bridge, stream, visit):
    """Some simulators search around the place first."""
    stream(bridge.port)
    page = visit(bridge.dashboard.address)
    wait_for_frame(page)
    page.get_by_role("button", name="Drop target").click()
    until(page, lambda: page.text_content("#state-detail").startswith("looking for the target · "))
    assert page.text_content("#state-word") == "Target lost"
    page.locator("#log-lines li").filter(has_text=re.compile("target lost$")).wait_for()


def test_a_recording_is_made_with_the_button(bridge, stream, visit, tmp_path, eventually):
    stream(bridge.port)
    page = visit(bridge.dashboard.address)
    wait_for_frame(page)
    page.fill("#recording-name", "by_button")
    page.click("#record-button")
    page.get_by_role("button", name="Stop recording").wait_for()
    page.fill("#note", "<b>here</b>")
    page.get_by_role("button", name="Mark moment").click()
    page.get_by_text("<b>here</b>").wait_for()  # as text
    wait_for_frame(page, wait_for_frame(page) + 3)
    page.click("#record-button")
    page.get_by_role("button", name="Record", exact=True).wait_for()
    lines = tmp_path / "by_button" / "frames.jsonl"
    assert eventually(lambda: lines.exists() and b"<b>here</b>" in lines.read_bytes())
    page.get_by_role("button", name="Pause commands").click()
    page.get_by_role("button", name="Resume commands").wait_for()
    assert bridge.sessions[0].controls.paused
    assert page.locator("#log-lines b", has_text="here").count() == 0


@pytest.mark.parametrize(("chosen", "expected"), [(None, None), ("all frames", []), ("any of these", [*REASONS])])
def test_the_settings_choose_the_recorded_frames_unless_the_page_does(bridge, stream, visit, chosen, expected):
    stream(bridge.port)
    page = visit(bridge.dashboard.address)
    wait_for_frame(page)
    if chosen:
        page.select_option("#recording-filter", label=chosen)
    with page.expect_request("**/api/recording/start") as asked:
        page.click("#record-button")
    assert asked.value.post_data_json.get("filter") == expected
    page.get_by_role("button", name="Stop recording").wait_for()


def test_several_simulators_have_tabs_for_mouse_and_keyboard(bridge, stream, visit):
    for _ in range(2):
        stream(bridge.port)
    page = visit(bridge.dashboard.address)
    tabs = page.get_by_role("tab")
    tabs.nth(1).wait_for()
    tabs.nth(0).focus()
    page.keyboard.press("ArrowRight")
    until(page, lambda: tabs.nth(1).get_attribute("aria-selected") == "true")
    wait_for_frame(page)
    for index in (0, 1, 0):  # also while an update of the other one is on its way
        tabs.nth(index).click()
        until(page, lambda index=index: tabs.nth(index).get_attribute("aria-selected") == "true")
        wait_for_frame(page)
        page.wait_for_timeout(300)
        assert tabs.nth(index).get_attribute("aria-selected") == "true"


def test_a_silent_simulator_gives_way_to_one_that_flies_unless_it_is_chosen(bridge, stream, visit, monkeypatch):
    monkeypatch.setattr("sim_bridge.session.SILENT_SECONDS", 1.0)
    streams = [stream(bridge.port), stream(bridge.port)]
    page = visit(bridge.dashboard.address)
    tabs = page.get_by_role("tab")
    tabs.nth(1).wait_for()
    wait_for_frame(page)
    shown = next(index for index in (0, 1) if tabs.nth(index).get_attribute("aria-selected") == "true")
    number = int(tabs.nth(shown).get_attribute("data-number"))
    address = next(session.address for session in bridge.sessions if session.number == number)
    ports = [each.client.socket.getsockname()[1] for each in streams]
    streams[ports.index(int(address.rpartition(":")[2]))].ended.set()
    until(page, lambda: tabs.nth(1 - shown).get_attribute("aria-selected") == "true")
    assert wait_for_frame(page) >= 0
    tabs.nth(shown).click()
    page.get_by_text("No frames", exact=True).wait_for()
    page.wait_for_timeout(500)
    assert tabs.nth(shown).get_attribute("aria-selected") == "true"


def test_a_new_episode_is_shown_instead_of_its_predecessor_and_not_another_simulator(bridge, stream, visit, eventually):
    first = stream(bridge.port)
    first.client.send("42" + json.dumps(["simulator_info", {"seed": 3, "people": 5}]))
    assert eventually(lambda: bridge.sessions)
    stream(bridge.port)
    page = visit(bridge.dashboard.address)
    selected = page.locator("[role=tab][aria-selected=true]")
    page.get_by_role("tab", name="simulator 1").click()
    page.fill("#seed", "9")
    page.get_by_role("button", name="New episode").click()
    until(page, lambda: page.input_value("#seed") == "")  # the request has been answered
    first.ended.set()
    first.client.close()
    page.get_by_role("tab", name="simulator 1").wait_for(state="detached")
    wait_for_frame(page)
    stream(bridge.port)
    until(page, lambda: selected.get_attribute("data-number") == "3")


def test_what_two_answers_at_the_same_time_have_in_common_is_shown_once(bridge, connect, visit):
    page = visit(bridge.dashboard.address)

    def answer_twice(socket) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda packet: [socket.send(packet) for _ in range(2 if packet.startswith("42") else 1)])

    page.route_web_socket("**/socket.io/*", answer_twice)
    page.reload()
    page.get_by_text("connected", exact=True).wait_for()
    connect(bridge.port).send("42" + json.dumps(["surprise", {}]))
    lines = page.locator("#log-lines li", has_text="surprise")
    lines.first.wait_for()
    page.wait_for_timeout(500)
    assert lines.count() == 1


def test_text_from_a_simulator_is_never_markup(bridge, connect, visit):
    simulator = connect(bridge.port)
    simulator.send("42" + '["<img src=x onerror=document.title=1>",{}]')
    page = visit(bridge.dashboard.address)
    page.get_by_text("<img src=x").wait_for()
    assert page.locator("img").count() == 0
    assert page.title() == "Follow me"


def test_the_page_reconnects_to_a_restarted_bridge(bridge, serve_with_dashboard, finding_agent, stream, visit):
    first = stream(bridge.port)
    page = visit(bridge.dashboard.address, may_log_errors=True)  # of connections refused
    wait_for_frame(page)
    port = bridge.port
    bridge.__exit__()
    page.get_by_text("connection lost").wait_for()
    first.ended.set()
    again = serve_with_dashboard(finding_agent, segmenter=Network(), port=port)
    stream(again.port)
    page.get_by_text("connected", exact=True).wait_for()
    wait_for_frame(page, wait_for_frame(page))


def test_on_a_public_address_controls_need_the_token(serve_with_dashboard, finding_agent, visit, stream):
    bridge = serve_with_dashboard(finding_agent, host="0.0.0.0", segmenter=Network())
    stream(bridge.port)
    reader = visit(bridge.dashboard.address.partition("#")[0])
    wait_for_frame(reader)  # anybody may watch
    reader.get_by_text("Read-only").wait_for()
    assert reader.get_by_role("button", name="Pause commands").count() == 0
    owner = visit(bridge.dashboard.address)
    wait_for_frame(owner)
    assert "token" not in owner.url
    owner.get_by_role("button", name="Pause commands").click()
    owner.get_by_role("button", name="Resume commands").wait_for()
    reader.fill("#token", bridge.dashboard.token)
    reader.get_by_role("button", name="Unlock").click()
    reader.get_by_role("button", name="Resume commands").click()
    owner.get_by_role("button", name="Pause commands").wait_for()


def test_the_printed_address_unlocks_a_page_that_is_open(serve_with_dashboard, finding_agent, visit):
    bridge = serve_with_dashboard(finding_agent, host="0.0.0.0", segmenter=Network())
    address = bridge.dashboard.address.partition("#")[0]
    page = visit(f"{address}#token=of-an-earlier-start")
    page.get_by_text("Read-only").wait_for()
    page.goto(f"{address}#token=mistyped")  # only the part behind # differs: no reload
    page.get_by_text("This is not the token that the follower printed.").wait_for()
    page.goto(bridge.dashboard.address)
    page.get_by_role("button", name="Pause commands").wait_for()
    assert "token" not in page.url


def test_a_page_of_another_site_can_neither_read_nor_control(bridge, serve, visit, tmp_path):
    other = serve()  # another port is another site, and a bridge without a dashboard forbids its pages nothing
    page = visit(f"http://127.0.0.1:{other.port}/status", may_log_errors=True)
    outcome = page.evaluate(
        """async (target) => {
            const ask = (url, options) => fetch(url, { ...options, signal: AbortSignal.timeout(5000) });
            const text = { method: "POST", body: "{}", headers: { "Content-Type": "text/plain" } };
            const json = { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } };
            const tries = [[], [text], [json], [{ ...text, mode: "no-cors" }]];
            const read = [];
            const polling = "/socket.io/?EIO=4&transport=polling";
            for (const path of ["/", "/status", "/api/controls", "/api/recording/start", polling])
                for (const options of tries)
                    read.push(await ask(target + path, ...options).then((answer) => answer.text()).catch(() => ""));
            const socket = new WebSocket(target.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket");
            const opened = await new Promise((tell) => {
                socket.onopen = () => tell(true);
                socket.onerror = () => tell(false);
                setTimeout(() => tell(false), 10000);
            });
            return { read: read.join(""), opened };
        }""",
        bridge.dashboard.address.rstrip("/"),
    )
    assert outcome == {"read": "", "opened": False}
    assert bridge.sessions == []
    assert list(tmp_path.iterdir()) == []  # no recording


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_screens_from_380_pixels_to_4k(bridge, stream, visit, scheme, tmp_path):
    stream(bridge.port)
    page = visit(bridge.dashboard.address, color_scheme=scheme)
    wait_for_frame(page)
    for width, height in ((380, 800), (1440, 900), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        wait_for_frame(page, shown_frame(page) + 1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for element in ("#state", "#camera-view", "#map-view", "#record-button", "#log-lines"):
            box = page.locator(element).bounding_box()
            assert box["width"] > 30
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        if width >= 1440:  # pictures and timelines in one screen
            bottom = page.locator("#timelines").bounding_box()
            assert bottom["y"] + bottom["height"] <= height
        name = f"dashboard_{width}_{scheme}.png"
        page.screenshot(path=Path(SCREENSHOTS or tmp_path) / "screenshots" / name, full_page=width < 1000)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, background[4:-1].split(","))) > 128) is (scheme == "light")
