"""Controls of the built-in simulator as HTTP calls: what is sent, what is refused, and that QuadSim is never asked."""

import json

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from sim_bridge.wire.bad_frame import BadFrame
from sim_bridge.wire.simulator_control import SimulatorInfo, parse_simulator_info

INFO = {"seed": 3, "people": 60, "speed": 1.0, "difficulty": "fog", "difficulties": ["plain", "fog"]}


@pytest.fixture
def bridge(serve_with_dashboard):
    return serve_with_dashboard()


@pytest.fixture
def call(bridge):
    def post(path: str, body: object, **more) -> requests.Response:
        return requests.post(f"http://127.0.0.1:{bridge.port}/api/simulators/{path}", json=body, timeout=30, **more)

    return post


@pytest.fixture
def simulator(bridge, connect, eventually):
    """A simulator that has reported its info."""
    client = connect(bridge.port)
    send_info(client, INFO)
    assert eventually(lambda: bridge.sessions and bridge.sessions[0].simulator_info)
    return client


def send_info(client, *arguments: object) -> None:
    client.send("42" + json.dumps(["simulator_info", *arguments]))


def test_requests_reach_the_simulator(bridge, call, simulator, eventually):
    assert bridge.sessions[0].simulator_info == SimulatorInfo(3, 60, 1.0, "fog", ("plain", "fog"))
    assert call("1/speed", {"speed": 4}).json() == {"speed": 4}
    assert simulator.events.get(timeout=30) == ("set_speed", {"speed": 4})
    requested = {"seed": 9, "people": 5, "difficulty": "plain"}
    assert call("1/new-episode", requested).json() == requested
    assert simulator.events.get(timeout=30) == ("new_episode", requested)
    same = {"seed": 4, "people": 60, "difficulty": "fog"}
    assert call("1/new-episode", {}).json() == same  # the next seed, all else as it is
    plain = {"seed": 4, "people": None, "difficulty": "plain"}
    assert call("1/new-episode", {"difficulty": "plain"}).json() == plain  # with the difficulty's number of people
    send_info(simulator, {"seed": 4, "people": 60, "speed": None})
    assert eventually(lambda: bridge.sessions[0].simulator_info.seed == 4)
    assert "lockstep" in call("1/speed", {"speed": 4}).json()["error"]
    assert sum(bridge.sessions[0].counts.refused.values()) == 0


def test_a_simulator_without_info_is_sent_nothing(bridge, call, connect, payload, eventually):
    quadsim = connect(bridge.port)
    quadsim.send_frame(payload(), "1")
    assert eventually(lambda: 1 in quadsim.acknowledged)
    quadsim.events.get(timeout=30)  # the command for that frame
    for path, body in (("1/speed", {"speed": 4}), ("1/new-episode", {})):
        answer = call(path, body)
        assert answer.status_code == 404
        assert "built-in simulator" in answer.json()["error"]
    with pytest.raises(ValueError, match="not the built-in simulator"):
        bridge.send_control(bridge.sessions[0], "set_speed", {"speed": 4})
    quadsim.send_frame(payload(), "2")
    assert eventually(lambda: 2 in quadsim.acknowledged)
    assert [event for event, _ in [quadsim.events.get(timeout=30)]] == ["object_detected"]
    assert quadsim.events.empty()


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("1/speed", {}, 400, "0.1 to 9"),
        ("1/speed", {"speed": "4"}, 400, "0.1 to 9"),
        ("1/speed", {"speed": 9.5}, 400, "0.1 to 9"),
        ("1/speed", {"speed": True}, 400, "0.1 to 9"),
        ("1/speed", [], 400, "object"),
        ("1/new-episode", {"seed": -1}, 400, "seed"),
        ("1/new-episode", {"seed": 1.5}, 400, "seed"),
        ("1/new-episode", {"people": 501}, 400, "people"),
        ("1/new-episode", {"difficulty": "rain"}, 400, "expected one of plain, fog, got 'rain'"),
        ("1/new-episode", {"people": "5"}, 400, "people"),
        ("1/new-episode", {"people": 5, "sed": 1}, 400, "there is no key sed; did you mean seed?"),
        ("2/speed", {"speed": 4}, 404, "simulator 2"),
        ("2/new-episode", {}, 404, "simulator 2"),
    ],
)
def test_invalid_requests_are_refused_in_one_sentence(call, simulator, path, body, status, word):
    answer = call(path, body)
    assert answer.status_code == status
    assert word in answer.json()["error"]
    assert simulator.events.empty()


def test_pages_of_other_sites_and_links_control_nothing(bridge, call, simulator):
    for path in ("1/speed", "1/new-episode"):
        assert call(path, {"speed": 4}, headers={"Origin": "http://evil.example"}).status_code == 403
        assert call(path, {"speed": 4}, headers={"Host": "evil.example:4567"}).status_code == 403
        assert requests.get(f"http://127.0.0.1:{bridge.port}/api/simulators/{path}", timeout=30).status_code == 405
    assert simulator.events.empty()


def test_on_a_public_address_the_token_is_needed(serve_with_dashboard, connect, eventually):
    bridge = serve_with_dashboard(host="0.0.0.0")
    send_info(client := connect(bridge.port), INFO)
    assert eventually(lambda: bridge.sessions and bridge.sessions[0].simulator_info)
    address = f"http://127.0.0.1:{bridge.port}/api/simulators/1/speed"
    assert requests.post(address, json={"speed": 4}, timeout=30).status_code == 401
    right = {"Authorization": f"Bearer {bridge.dashboard.token}"}
    assert requests.post(address, json={"speed": 4}, headers=right, timeout=30).ok
    assert client.events.get(timeout=30) == ("set_speed", {"speed": 4})


@pytest.mark.parametrize(
    "arguments",
    [(), ([],), (INFO, 1), ({},), ({"seed": -1, "people": 1},), ({**INFO, "speed": "fast"},)],
)
def test_invalid_info_is_refused_and_the_flight_continues(bridge, connect, payload, eventually, arguments):
    client = connect(bridge.port)
    send_info(client, *arguments)
    client.send_frame(payload(), "1")
    assert eventually(lambda: 1 in client.acknowledged)
    assert bridge.sessions[0].counts.refused == {"bad-simulator-info": 1}
    assert bridge.sessions[0].simulator_info is None


@pytest.mark.slow
@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["seed", "people", "speed", "extent"]), inner)
            ),
        ),
        max_size=2,
    )
)
def test_any_arguments_are_read_or_refused(arguments):
    try:
        state = parse_simulator_info(tuple(arguments))
    except BadFrame:
        return
    assert 0 <= state.people <= 500


@pytest.mark.parametrize(
    "extent", [[0, 0, 9], [0, 9, 9, 0], [9, 0, 0, 9], [0, 0, 0, 9], [0, 0, "9", 9], "0,0,9,9", 9, [0, 0, 9, 1e300]]
)
def test_an_extent_that_is_no_area_is_refused(extent):
    with pytest.raises(BadFrame, match="extent: expected least x, least y, greatest x, greatest y, metres"):
        parse_simulator_info(({"seed": 1, "people": 2, "extent": extent},))


def test_a_simulator_with_endless_difficulties_is_refused():
    with pytest.raises(BadFrame, match="difficulties: expected at most 100 names"):
        parse_simulator_info(({"seed": 1, "people": 2, "difficulties": ["plain"] * 101},))
