"""The agent's settings: defaults, constraints, and errors that name what was expected."""

import dataclasses

import pytest

from config.reader import ConfigError, build
from follower.agent import AgentSettings


def test_defaults_are_valid_and_those_documented():
    settings = AgentSettings()
    assert (settings.threshold, settings.max_missed_seconds, settings.depth_far) == (0.5, 1.2, "auto")


def test_they_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        AgentSettings().threshold = 0.7


def test_values_as_toml_has_them():
    settings = build(
        AgentSettings,
        {"depth_far": 50, "marker_dimensions": [1, 1, 2.5], "marker_color": [1, 0, 0, 1], "marker_duration": -1},
    )
    assert settings.depth_far == 50
    assert settings.marker_dimensions == (1, 1, 2.5)
    assert hash(settings) == hash(dataclasses.replace(settings))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 0.0),
        ("threshold", 1.0),
        ("threshold", "0.5"),
        ("threshold", True),
        ("threshold", float("nan")),
        ("min_area", 0),
        ("min_area", float("inf")),
        ("max_missed_seconds", 0),
        ("max_missed_seconds", float("inf")),
        ("max_missed_seconds", True),
        ("switch_after_seconds", -3),
        ("depth_far", 0.0),
        ("depth_far", -100),
        ("depth_far", 10**400),
        ("depth_far", None),
        ("vertical_fov", 0.0),
        ("vertical_fov", 180),
        ("target_height", 0),
        ("target_height", 160),
        ("marker", 1),
        ("marker_dimensions", (0.7, 0.7)),
        ("marker_dimensions", (0.7, 0.7, 0.0)),
        ("marker_dimensions", 0.7),
        ("marker_color", (0, 0, 1)),
        ("marker_color", (0, 0, 255, 1)),
        ("marker_color", (0, 0, "blue", 1)),
        ("marker_duration", 0),
        ("marker_duration", -2),
    ],
)
def test_bad_values_are_named(name, value):
    with pytest.raises(ConfigError, match=f"^{name}: expected .+, got ") as error:
        build(AgentSettings, {name: value})
    assert len(str(error.value)) < 600
