"""The reader of configuration: values become what a dataclass declares, and errors name what is expected."""

import json
import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt, MinLen
from hypothesis import given
from hypothesis import strategies as st

from config.reader import (
    ConfigError,
    assign,
    build,
    check,
    expectation,
    nearest,
    override,
    read_toml,
    setting_names,
    update,
)


@dataclass(frozen=True)
class Camera:
    exposure: Annotated[float, Gt(0), Lt(10), "seconds between 0 and 10"] = 0.5
    gain: float = 1.0
    size: tuple[int, int] = (256, 256)
    mode: Literal["auto", "manual"] = "auto"


@dataclass(frozen=True)
class Drone:
    name: Annotated[str, MinLen(1), "a name"]
    camera: Camera = field(default_factory=Camera)
    rotors: Annotated[int, Ge(3), Le(8)] = 4
    armed: bool = False
    ceiling: Annotated[float, Gt(0), "metres"] | None = None
    floor: float = 0.0
    tags: tuple[Literal["fast", "quiet"], ...] = ()

    def __post_init__(self):
        if self.ceiling is not None and self.ceiling <= self.floor:
            raise ValueError(f"ceiling must be above floor ({self.floor:g}), got {self.ceiling:g}")


def drone(**values) -> Drone:
    return build(Drone, {"name": "x", **values})


def test_missing_fields_keep_their_defaults():
    assert build(Drone, {"name": "x"}) == Drone("x")


def test_sections_nest():
    assert drone(camera={"gain": 2.5, "size": [64, 128]}).camera == Camera(gain=2.5, size=(64, 128))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "name is missing: expected a name"),
        ({"name": "x", "rotrs": 4}, "there is no setting rotrs; did you mean rotors?"),
        (
            {"name": "x", "zzz": 4},
            "there is no setting zzz; there are name, camera, rotors, armed, ceiling, floor, tags",
        ),
        ({"name": "x", "camera": {"gian": 1}}, "there is no setting camera.gian; did you mean gain?"),
        ({"name": "x", "camera": 5}, "camera must be a section, [camera], got 5"),
        ({"name": ""}, "name: expected a name, got ''"),
        ({"name": 5}, "name: expected a name, got 5"),
        ({"name": "x", "camera": {"exposure": 10}}, "camera.exposure: expected seconds between 0 and 10, got 10"),
        (
            {"name": "x", "camera": {"mode": "atuo"}},
            "camera.mode: expected auto or manual, got 'atuo'; did you mean auto?",
        ),
        ({"name": "x", "camera": {"mode": "zzzz"}}, "camera.mode: expected auto or manual, got 'zzzz'"),
        ({"name": "x", "rotors": 9}, "rotors: expected less than or equal to 8, got 9"),
        ({"name": "x", "armed": 1}, "armed: expected true or false, got 1"),
        ({"name": "x", "floor": "0"}, "floor: expected a number, got '0'"),
        ({"name": "x", "ceiling": -1}, "ceiling: expected metres, got -1"),
        ({"name": "x", "tags": ["fast", "loud"]}, "tags: expected fast or quiet, got ['fast', 'loud']"),
        ({"name": "x", "floor": 9.0, "ceiling": 4.0}, "ceiling must be above floor (9), got 4"),
    ],
)
def test_errors_name_the_setting_what_is_expected_and_what_came(values, message):
    with pytest.raises(ConfigError) as error:
        build(Drone, values)
    assert str(error.value) == message


def test_errors_name_the_section_and_take_another_noun():
    with pytest.raises(ConfigError, match=r"there is no key nam; did you mean name\?"):
        build(Drone, {"nam": "x"}, noun="key")
    with pytest.raises(ConfigError, match=r"there is no setting body\.nam; did you mean name\?"):
        check(Drone, {"nam": "x"}, "body")
    with pytest.raises(ConfigError, match=r"body\.ceiling must be above"):
        check(Drone, {"name": "x", "floor": 9, "ceiling": 4}, "body")


def test_long_values_are_cut():
    with pytest.raises(ConfigError) as error:
        drone(floor="9" * 10_000)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("value", [True, "4", 4.0, None, [4], 4.5])
def test_only_whole_numbers_are_whole_numbers(value):
    with pytest.raises(ConfigError, match="rotors"):
        drone(rotors=value)


@pytest.mark.parametrize("value", [True, "4", None, [4.0], math.nan, math.inf, -math.inf, 10**400])
def test_only_finite_numbers_are_numbers(value):
    with pytest.raises(ConfigError, match="floor: expected"):
        drone(floor=value)


@given(st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False))
def test_finite_numbers_are_kept(value):
    found = drone(floor=value).floor
    assert isinstance(found, float)
    assert found == value


@pytest.mark.parametrize("value", [0, 1, "true", None, [], 0.0])
def test_only_booleans_are_booleans(value):
    with pytest.raises(ConfigError, match="armed: expected true or false"):
        drone(armed=value)


@pytest.mark.parametrize("value", [[1], [1, 2, 3], "ab", [1, 2.5], {"a": 1}, 5])
def test_tuples_come_as_lists_of_their_length_and_types(value):
    assert drone(camera={"size": [1, 2]}).camera.size == (1, 2)
    assert drone(tags=["fast", "fast", "quiet"]).tags == ("fast", "fast", "quiet")
    with pytest.raises(ConfigError, match=r"camera\.size"):
        drone(camera={"size": value})


def test_optional_values():
    assert drone(ceiling=None).ceiling is None
    assert drone(ceiling=3).ceiling == 3.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["name", "camera", "rotors", "armed", "ceiling", "floor", "tags"]) | st.text(max_size=9)


@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_any_values_are_read_or_refused(values):
    try:
        found = build(Drone, values)
    except ConfigError as error:
        assert str(error)  # noqa: PT017 - both results are right
    else:
        assert 3 <= found.rotors <= 8
        assert isinstance(found.armed, bool)
        assert math.isfinite(found.floor)


def test_overrides_change_one_setting():
    changed = override(Drone("x"), "camera.gain", 3)
    assert changed == Drone("x", Camera(gain=3.0))
    assert override(changed, "rotors", 6).camera.gain == 3.0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("camera.gian", 3, "there is no setting camera.gian; did you mean camera.gain?"),
        ("gain", 3, "there is no setting gain; did you mean camera.gain?"),
        ("camera", {"gain": 3}, "there is no setting camera; did you mean camera.size?"),
        ("camera.gain", "3", "camera.gain: expected a number, got '3'"),
        ("ceiling", -1.0, "ceiling: expected metres, got -1.0"),
    ],
)
def test_wrong_overrides_are_explained(name, value, message):
    with pytest.raises(ConfigError) as error:
        override(Drone("x"), name, value)
    assert str(error.value) == message


def test_constraints_between_fields_hold_for_overrides():
    with pytest.raises(ConfigError, match="ceiling must be above floor"):
        override(Drone("x", ceiling=5.0), "floor", 6)
    assert update(Drone("x", ceiling=5.0), {"floor": 6, "ceiling": 7}).ceiling == 7  # both at once


def test_updates_nest_and_keep_the_rest():
    before = Drone("x", Camera(gain=2.0), rotors=6)
    after = update(before, {"camera": {"mode": "manual"}, "armed": True})
    assert after == Drone("x", Camera(gain=2.0, mode="manual"), rotors=6, armed=True)
    with pytest.raises(ConfigError, match=r"there is no setting camera\.mod; did you mean mode\?"):
        update(before, {"camera": {"mod": "manual"}})


def test_setting_names_are_those_of_all_sections():
    assert list(setting_names(Drone)) == [
        *("name", "camera.exposure", "camera.gain", "camera.size", "camera.mode"),
        *("rotors", "armed", "ceiling", "floor", "tags"),
    ]


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_assignments_read_values_as_toml(value):
    assert assign(Drone("x"), f" camera.gain ={json.dumps(value)}") == override(Drone("x"), "camera.gain", value)


@pytest.mark.parametrize("text", ["plain words", "0.0.0.0", "a=b", "C:\\folder"])
def test_an_assignment_that_is_not_toml_is_text(text):
    assert assign(Drone("x"), f"name={text}").name == text


@pytest.mark.parametrize("text", ["2024", "2024-11-21", "1e3", "true", "[1]"])
def test_a_text_may_be_what_toml_has_as_a_number_or_a_date(text):
    assert assign(Drone("x"), f"name = {text}").name == text


@pytest.mark.parametrize("text", ["fast", "'fast'", "['fast']"])
def test_a_list_of_one_needs_no_brackets(text):
    assert assign(Drone("x"), f"tags={text}").tags == ("fast",)


def test_a_list_without_brackets_has_commas():
    assert assign(Drone("x"), "tags=fast, quiet").tags == ("fast", "quiet")
    assert assign(Drone("x"), "name=fast, quiet").name == "fast, quiet"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("armed", "expected SECTION.KEY=VALUE, such as agent.threshold=0.6, got 'armed'"),
        ("rotrs=3", "there is no setting rotrs; did you mean rotors?"),
        ("armed=1", "armed: expected true or false, got 1"),
        ("tags=fats", "tags: expected fast or quiet, got 'fats'; did you mean fast?"),
        ("name=''", "name: expected a name, got ''"),
        ("name=", "name: expected a name, got ''"),
    ],
)
def test_wrong_assignments_are_explained(assignment, message):
    with pytest.raises(ConfigError) as error:
        assign(Drone("x"), assignment)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[int, Ge(1), "a rotor"], "a rotor"),
        (Annotated[int, Ge(1), "a rotor"] | None, "a rotor"),
        (Literal["a", "b", "c"], "a, b or c"),
        (bool, "true or false"),
        (int, "a whole number"),
    ],
)
def test_what_a_setting_expects_in_words(hint, words):
    assert expectation(hint) == words


def test_the_nearest_name():
    assert nearest("thresold", ["threshold", "area"]) == "; did you mean threshold?"
    assert nearest("x", ["threshold", "area"]) == "; there are threshold, area"
    assert nearest("x", ["threshold", "area"], only_close=True) == ""


def test_a_single_value_can_be_checked():
    assert check(Annotated[float, Gt(0)], 3, "speed") == 3.0
    with pytest.raises(ConfigError, match=r"^speed: expected greater than 0, got 0$"):
        check(Annotated[float, Gt(0)], 0, "speed")


def test_files_that_are_not_toml(tmp_path):
    (tmp_path / "good.toml").write_text('[camera]\nmode = "auto"\n')
    assert read_toml(tmp_path / "good.toml") == {"camera": {"mode": "auto"}}
    with pytest.raises(ConfigError, match=r"absent\.toml cannot be read: No such file"):
        read_toml(tmp_path / "absent.toml")
    (tmp_path / "mine.toml.txt").touch()
    with pytest.raises(ConfigError, match=r"there is mine\.toml\.txt beside it: rename it$"):
        read_toml(tmp_path / "mine.toml")
    for content in (b"x = ", b"\xff\xfe\0"):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(ConfigError, match=r"bad\.toml is not a TOML file"):
            read_toml(tmp_path / "bad.toml")
