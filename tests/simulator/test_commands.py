"""Incoming messages: commands, and texts that are none."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.link.commands import Command, CommandError, parse_command


def test_commands_as_the_server_of_the_capture_sends_them():
    assert parse_command('42["object_detected",{"coords":[1.51,-2.25,3]}]') == (
        "object_detected",
        {"coords": (1.51, -2.25, 3.0), "velocity": None, "time": None},
    )
    assert parse_command(
        '42["create_box_marker",{"id":10001,"pose":[1.5,-2.25,3,0,0,90],"dimensions":[0.7,0.7,2.0],'
        '"color":[0,0,1,0.1],"duration":0.4}]'
    ).values == {
        "id": 10001,
        "pose": (1.5, -2.25, 3, 0, 0, 90),
        "dimensions": (0.7, 0.7, 2),
        "color": (0, 0, 1, 0.1),
        "duration": 0.4,
    }
    lost = parse_command('42["object_lost"]')
    assert lost == parse_command('42["object_lost",{"any":1}]') == ("object_lost", {"coords": None})
    assert parse_command('42["object_lost",{"coords":[1,2,3]}]').values == {"coords": (1.0, 2.0, 3.0)}
    assert parse_command('42["delete_marker",{"id":3.7}]') == ("delete_marker", {"id": 3})
    assert parse_command('4312[{"outcome":"skipped"}]') == ("frame_done", {"id": 12, "outcome": "skipped"})
    assert parse_command('4312[{"kind": "x", "outcome": "refused"}]').values["outcome"] == "refused"
    assert parse_command("4312[]").values == {"id": 12, "outcome": ""}


def test_a_detection_may_say_how_the_target_moves_and_when_it_was_seen():
    detected = parse_command('42["object_detected",{"coords":[1,2,3],"velocity":[0.5,-1,0],"time":1500000000.25}]')
    assert detected.values == {"coords": (1, 2, 3), "velocity": (0.5, -1, 0), "time": 1500000000.25}


def test_control_of_the_simulator():
    assert parse_command('42["set_speed",{"speed":9}]') == ("set_speed", {"speed": 9.0})
    same = ("new_episode", {"seed": 7, "people": 0, "difficulty": None})  # as it is
    assert parse_command('42["new_episode",{"seed":7,"people":0}]') == same
    request = {"seed": 7, "people": None, "difficulty": "all"}  # with the difficulty's number of people
    assert parse_command(f'42["new_episode",{json.dumps(request)}]') == ("new_episode", request)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('42["object_detected",{"coords":[1,2]}]', "coords to be a list of 3 numbers"),
        ('42["object_detected",{"coords":["1","2","3"]}]', "finite numbers in coords"),
        ('42["object_detected",{"coords":[1,2,NaN]}]', "finite numbers in coords"),
        ('42["object_detected",{"coords":[true,2,3]}]', "finite numbers in coords"),
        ('42["object_detected",[1,2,3]]', "expected one object"),
        ('42["object_detected",{"coords":[1,2,3],"velocity":[1,2]}]', "velocity to be a list of 3 numbers"),
        ('42["object_detected",{"coords":[1,2,3],"time":"now"}]', "finite numbers in time"),
        ('42["object_lost",{},{}]', "expected one object"),
        ('42["object_lost",7]', "expected one object"),
        ('42["object_lost",{"coords":[1,2]}]', "a list of 3 numbers"),
        ('42["delete_marker",{"id":16777216}]', "id from 0 to 16777215"),
        ('42["delete_marker",{}]', "finite numbers in id"),
        ('42["take_off",{}]', "unknown event take_off"),
        ('42["set_speed",{"speed":9.5}]', "expected speed from 0.1 to 9, got 9.5"),
        ('42["set_speed",{"speed":"2"}]', "finite numbers in speed"),
        ('42["set_speed",{}]', "finite numbers in speed"),
        ('42["set_speed",3]', "expected one object"),
        ('42["new_episode",{"people":3}]', "finite numbers in seed"),
        ('42["new_episode",{"seed":1.5,"people":3}]', "seed to be a whole number"),
        ('42["new_episode",{"seed":-1,"people":3}]', "expected seed from 0 to"),
        ('42["new_episode",{"seed":1,"people":501}]', "expected people from 0 to 500"),
        ('42["new_episode",{"seed":1,"difficulty":"hard"}]', "expected difficulty to be one of plain, crowd, "),
        ('42["new_episode",{"seed":1,"difficulty":["all"]}]', 'got ["all"]'),
        ('42["object_lost"', "as JSON"),
        ('451-["object_lost",{"_placeholder":true,"num":0}]', "as JSON"),
        ("42" + "[" * 100_000, "as JSON"),
        (f'42["delete_marker",{{"id":{"9" * 400}}}]', "finite numbers in id"),
    ],
)
def test_messages_that_quadsim_does_not_understand_are_rejected_with_a_reason(text, reason):
    with pytest.raises(CommandError, match=re.escape(reason)):
        parse_command(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=6)
        | st.dictionaries(st.sampled_from(["id", "coords", "pose", "dimensions", "color", "duration"]), children)
    ),
    max_leaves=25,
)
names = st.sampled_from(["object_detected", "object_lost", "create_box_marker", "delete_marker", "x"])


@given(
    st.text(max_size=40)
    | st.text('0123456789[]{}":', max_size=12).map("4{}".format)
    | st.builds(lambda name, rest: "42" + json.dumps([name, *rest]), names, st.lists(json_values))
)
def test_any_text_is_a_command_or_an_error(text):
    try:
        outcome = parse_command(text)
    except CommandError as error:
        outcome = error
    assert isinstance(outcome, Command) or len(str(outcome)) < 400
