"""Episode and client together against a bare server: pace, lockstep, faults, and the form of the frames."""

import base64
import contextlib
import json
import math
import re
import threading
import time

import cv2
import numpy as np
import pytest

from simulator import flight as flight_module
from simulator.difficulty.link import Link, LinkFaults
from simulator.episode import Episode
from simulator.flight import Flight, FlightPlan
from simulator.link.client import Client
from simulator.slideshow import Slideshow
from simulator.types import QuadState
from simulator.world.city_generator import generate_city

pytestmark = pytest.mark.simulator

NUMBER = r"-?\d+\.\d{4}"
FORMS = {
    "timestamp": r"\d{10}(\.\d{1,5})?",
    "pose": rf"{NUMBER}(,{NUMBER}){{5}}",
    "gimbal_pose": rf"{NUMBER}(,{NUMBER}){{5}}",
    "rgb_image": r"/9j/[A-Za-z0-9+/]+=*",
    "depth_image": r"iVBOR[A-Za-z0-9+/]+=*",
}


@pytest.fixture(scope="module")
def city():
    return generate_city(5)


@pytest.fixture
def episode(city, renderer):
    return Episode(city, renderer=renderer)


def test_a_slideshow_ends_when_its_last_picture_has_been_answered(client, raw_server, tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((256, 256, 3), np.uint8))

    def answer(frame):
        time.sleep(0.2)  # far longer than a picture is shown
        return [command("object_detected", coords=[int(frame["ack"]), 0, 0]), done(frame)]

    raw_server.answer = answer
    show, reported = Slideshow(tmp_path, hz=5), []
    show.target_detected = lambda position: reported.append(position[0])
    Flight(show, client, FlightPlan(speed=9, await_last=True)).fly(lambda observation: None)
    assert reported == [0, 1, 2]


def command(name: str, **payload) -> str:
    return "42" + json.dumps([name, payload])


def done(frame: dict[str, str]) -> str:
    return f"43{frame['ack']}[{{}}]"


def test_frames_have_the_keys_and_forms_of_the_real_client(client, raw_server, episode, quadsim_frames):
    Flight(episode, client, FlightPlan(speed=9, duration=1)).fly(lambda observation: None)
    for _ in range(5):
        frame = raw_server.next_frame()
        assert list(frame) == list(quadsim_frames[0]) == list(FORMS)
        for key, form in FORMS.items():
            assert re.fullmatch(form, frame[key]), key


def test_ground_truth_is_sent_on_request(client, raw_server, episode):
    seen = []
    Flight(episode, client, FlightPlan(speed=9, duration=0.2, ground_truth=True)).fly(seen.append)
    frame, target = raw_server.next_frame(), seen[0].target
    mask = cv2.imdecode(np.frombuffer(base64.b64decode(frame["ground_truth_mask"]), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (mask == seen[0].rendered.mask).all()
    assert [float(number) for number in frame["ground_truth_target"].split(",")] == pytest.approx(
        [target.x, target.y, target.z], abs=1e-3
    )


def test_real_time_keeps_its_pace(client, episode):
    begun = time.monotonic()
    Flight(episode, client, FlightPlan(speed=4, duration=6)).fly(lambda observation: None)
    assert 1.4 < time.monotonic() - begun < 15  # a busy machine may not keep up
    assert episode.time == pytest.approx(6.0)


def test_timestamps_are_simulated_time(client, raw_server, episode):
    Flight(episode, client, FlightPlan(hz=4, speed=9, duration=1)).fly(lambda observation: None)
    stamps = [float(raw_server.next_frame()["timestamp"]) for _ in range(4)]
    assert np.diff(stamps) == pytest.approx([0.25] * 3, abs=1e-3)
    assert abs(stamps[0] - time.time()) < 60


@pytest.mark.parametrize("speed", [0.5, 9])
def test_like_quadsim_frames_and_timestamps_keep_to_the_wall_clock(client, raw_server, episode, speed):
    seen = []
    plan = FlightPlan(hz=5, speed=speed, duration=4 * speed / 5, wall_clock=True)
    Flight(episode, client, plan).fly(seen.append)
    assert np.diff([now.time for now in seen]) == pytest.approx([speed / 5] * 3)
    stamps = [float(raw_server.next_frame()["timestamp"]) for _ in range(4)]
    assert 0.15 < min(np.diff(stamps)) < 0.3  # a busy machine may delay single frames
    assert abs(stamps[0] - time.time()) < 60


def test_commands_are_applied(client, raw_server, episode):
    raw_server.send('42["object_detected",{"coords":[1,2,3]}]')
    raw_server.send(
        command(
            "create_box_marker", id=1, pose=[1, 2, 3, 0, 0, 90], dimensions=[1, 1, 2], color=[0, 0, 1, 1], duration=-1
        )
    )
    seen = []
    Flight(episode, client, FlightPlan(speed=9, duration=2)).fly(seen.append)
    assert seen[-1].state is QuadState.FOLLOW
    assert seen[-1].reported == (1, 2, 3)
    assert [(marker.id, marker.yaw) for marker in seen[-1].markers] == [(1, pytest.approx(math.pi / 2))]
    raw_server.send('42["object_lost"]')
    raw_server.send('42["delete_marker",{"id":1}]')
    Flight(episode, client, FlightPlan(speed=9, duration=3)).fly(seen.append)
    assert seen[-1].state is QuadState.PATROL
    assert seen[-1].markers == ()


def test_three_seconds_without_a_ping_end_the_following(client, raw_server, episode):
    raw_server.send('42["object_detected",{"coords":[1,2,3]}]')
    answered, states = time.monotonic(), []

    def on_frame(observation):
        nonlocal answered
        if not raw_server.answers_pings and observation.state is QuadState.FOLLOW:
            raw_server.send('42["object_detected",{"coords":[1,2,3]}]')
        if len(states) == 5:
            raw_server.answers_pings, answered = False, time.monotonic()
        states.append((time.monotonic() - answered, observation.state))

    Flight(episode, client, FlightPlan(duration=6)).fly(on_frame)
    followed = max(since for since, state in states[6:] if state is QuadState.FOLLOW)
    assert 2.3 < followed < 4.5


def test_a_flood_of_commands_does_not_stop_the_simulation(client, raw_server, episode):
    stop = threading.Event()

    def flood() -> None:
        with contextlib.suppress(OSError):  # the flight is over
            while not stop.is_set():
                raw_server.send('42["object_detected",{"coords":[1,2,3]}]')

    threading.Thread(target=flood, daemon=True).start()
    begun = time.monotonic()
    Flight(episode, client, FlightPlan(speed=9, duration=9)).fly(lambda observation: None)
    stop.set()
    assert time.monotonic() - begun < 30


def test_in_lockstep_every_frame_is_answered_before_the_next_and_flights_repeat(client, raw_server, city, renderer):
    flights = []
    raw_server.answer = lambda frame: [command("object_detected", coords=[int(frame["ack"]), 2, 1]), done(frame)]
    for _ in range(2):
        seen = []
        Flight(Episode(city, renderer=renderer), client, FlightPlan(duration=6, lockstep=True)).fly(seen.append)
        flights.append(seen)
    for number, (one, other) in enumerate(zip(*flights, strict=True)):
        assert one.pose == other.pose
        assert one.people == other.people
        assert np.array_equal(one.rendered.rgb, other.rendered.rgb)
        assert one.reported == (None if number == 0 else (number - 1, 2, 1))


def test_late_frames_have_the_time_when_they_were_taken_and_their_commands_apply_on_arrival(
    client, raw_server, episode
):
    raw_server.answer = lambda frame: [command("object_detected", coords=[int(frame["ack"]), 2, 1]), done(frame)]
    seen, link = [], Link(LinkFaults(latency=(0.3, 0.3)))
    Flight(episode, client, FlightPlan(duration=2, lockstep=True), link=link).fly(seen.append)
    times = [float(raw_server.next_frame()["timestamp"]) - flight_module.LOCKSTEP_EPOCH for _ in range(9)]
    assert times == pytest.approx(np.arange(9) / 5)  # the tenth was still on its way
    reported = [observation.reported and observation.reported[0] for observation in seen]
    assert reported == [None, None, *range(8)]  # the first frame arrives between the second and the third


@pytest.mark.parametrize("lockstep", [True, False])
def test_a_target_seen_late_is_followed_where_its_velocity_has_brought_it(client, raw_server, episode, lockstep):
    def answer(frame):
        moving = {"velocity": [0, 1, 0], "time": float(frame["timestamp"])}
        return [command("object_detected", coords=[5, 2, 1], **moving), *([done(frame)] if lockstep else [])]

    raw_server.answer = answer
    seen, link = [], Link(LinkFaults(latency=(0.3, 0.3)))
    Flight(episode, client, FlightPlan(duration=3, lockstep=lockstep), link=link).fly(seen.append)
    expected = (5, pytest.approx(2.3, abs=0.01 if lockstep else 0.2), 1)  # on a busy machine answers are late, too
    assert seen[-1].reported == expected


def test_lockstep_is_as_fast_as_the_answers(client, raw_server, episode):
    raw_server.answer = lambda frame: [done(frame)]
    begun = time.monotonic()
    Flight(episode, client, FlightPlan(duration=20, lockstep=True)).fly(lambda observation: None)
    assert time.monotonic() - begun < 15  # 20 s are flown


def test_lockstep_with_a_server_that_does_not_acknowledge_warns_and_continues(client, episode, monkeypatch, caplog):
    monkeypatch.setattr(flight_module, "ANSWER_TIMEOUT", 0.3)
    Flight(episode, client, FlightPlan(duration=0.4, lockstep=True)).fly(lambda observation: None)
    assert "frame 0 was not acknowledged" in caplog.text
    assert episode.time == pytest.approx(0.4)


def test_lockstep_waits_for_a_lost_server_and_sends_the_frame_again(client, raw_server, episode):
    ids = []

    def answer(frame: dict[str, str]) -> list[str]:
        ids.append(int(frame["ack"]))
        if len(ids) == 3:
            raw_server.drop()
            return []
        return [done(frame)]

    raw_server.answer = answer
    Flight(episode, client, FlightPlan(duration=1, lockstep=True)).fly(lambda observation: None)
    assert ids == [0, 1, 2, 2, 3, 4]


def test_the_simulator_reports_its_state_again_after_a_reconnection(client, raw_server, episode):
    dropped = False

    def on_frame(observation):
        nonlocal dropped
        if observation.time > 1 and not dropped:
            dropped = True
            raw_server.drop()

    Flight(episode, client, FlightPlan(speed=2, duration=6), {"seed": 5, "people": 60}).fly(on_frame)
    for _ in range(2):
        assert raw_server.simulator_infos.get(timeout=5) == {"seed": 5, "people": 60, "speed": 2}
    Flight(episode, client, FlightPlan(speed=9, duration=7)).fly(lambda observation: None)
    assert raw_server.simulator_infos.empty()  # without info, it impersonates QuadSim


@pytest.mark.parametrize("lockstep", [True, False])
def test_the_first_frame_comes_after_the_report(client, raw_server, episode, lockstep):
    """A recording begins with the first frame, and its metadata describe the episode."""
    reports = []

    def answer(frame: dict[str, str]) -> list[str]:
        reports.append(raw_server.simulator_infos.qsize())
        return [done(frame)] if lockstep else []

    raw_server.answer = answer
    plan = FlightPlan(speed=5, duration=4, lockstep=lockstep)
    Flight(episode, client, plan, {"seed": 5, "people": 60}).fly(lambda observation: None)
    assert set(reports) == {1}


def test_its_speed_can_be_set_and_is_reported(client, raw_server, episode):
    times = []

    def on_frame(observation):
        times.append(time.monotonic())
        if len(times) == 3:
            raw_server.send('42["set_speed",{"speed":9}]')

    begun = time.monotonic()
    Flight(episode, client, FlightPlan(speed=1, duration=9), {"seed": 5, "people": 60}).fly(on_frame)
    assert time.monotonic() - begun < 7
    assert times[2] - times[0] > 0.3
    assert [raw_server.simulator_infos.get(timeout=5)["speed"] for _ in range(2)] == [1, 9]


def test_a_new_episode_ends_this_one(client, raw_server, episode):
    raw_server.send('42["set_speed",{"speed":4}]')
    raw_server.send('42["new_episode",{"seed":8,"people":3,"difficulty":"crowd"}]')
    seen = []
    flight = Flight(episode, client, FlightPlan(speed=1, duration=9), {"seed": 5, "people": 60})
    flight.fly(seen.append)
    assert (flight.new_episode, flight.speed) == ({"seed": 8, "people": 3, "difficulty": "crowd"}, 4)
    assert len(seen) == 1


def test_in_lockstep_there_is_no_speed(client, raw_server, episode):
    raw_server.answer = lambda frame: [done(frame)]
    plan = FlightPlan(duration=1, lockstep=True)
    Flight(episode, client, plan, {"seed": 5, "people": 60}).fly(lambda observation: None)
    assert raw_server.simulator_infos.get(timeout=5)["speed"] is None


def test_without_a_server_it_patrols_all_the_same(episode):
    client, seen = Client(port=1), []
    Flight(episode, client, FlightPlan(speed=9, duration=9)).fly(seen.append)
    client.close()
    assert len(seen) == 45
    assert {observation.state for observation in seen} == {QuadState.PATROL}
