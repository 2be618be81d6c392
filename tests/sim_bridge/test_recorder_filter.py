"""Frames that the filter of a recording keeps."""

import dataclasses

import numpy as np
import pytest

from config.reader import ConfigError, build
from follower.types import Decision, Detection, Range, RangeSource, TargetState
from sim_bridge.events import ProcessedFrame
from sim_bridge.recorder.filter import FrameFilter, reasons_to_keep
from sim_bridge.settings import RecordingSettings
from tests.bridge_fixtures import processed_frame


def keep(settings: RecordingSettings, given: list[set[str]], rate: float = 5.0) -> list[int]:
    frame_filter = FrameFilter(settings)
    kept = [number for index, each in enumerate(given) for number in frame_filter.select(index, index / rate, each)]
    kept += frame_filter.flush()
    assert kept == sorted(set(kept))
    return kept


def test_without_filter_every_frame_is_kept():
    assert keep(RecordingSettings(), [set()] * 5) == [0, 1, 2, 3, 4]


def test_stride_keeps_every_third():
    assert keep(RecordingSettings(stride=3), [set()] * 8) == [0, 3, 6]


def test_events_are_kept_with_surrounding_frames():
    given = [{"events"} if index in (7, 9, 16) else set() for index in range(20)]
    settings = RecordingSettings(filter=("events",), seconds_around=0.4)
    assert keep(settings, given) == [5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18]
    assert keep(dataclasses.replace(settings, seconds_around=0.0), given) == [7, 9, 16]
    assert keep(settings, given, rate=2.5) == [6, 7, 8, 9, 10, 15, 16, 17]


@pytest.mark.parametrize("rate", [5, 10, 30])
def test_the_seconds_around_an_event_are_kept_at_any_frame_rate(rate):
    given = [{"events"} if index == 5 * rate else set() for index in range(10 * rate)]
    kept = keep(RecordingSettings(filter=("events",)), given, rate)
    assert (kept[0] / rate, kept[-1] / rate) == (3.0, 7.0)
    assert kept == list(range(kept[0], kept[-1] + 1))


def test_a_clock_that_stands_still_holds_back_a_limited_number_of_frames():
    frame_filter = FrameFilter(RecordingSettings(filter=("events",)))
    for index in range(2000):
        assert frame_filter.select(index, 5.0, set()) == []
    assert len(frame_filter.select(2000, 5.0, {"events"})) <= 601


def test_reasons_are_combined():
    given = [set(), {"far"}, set(), {"uncertain"}, set(), {"events"}]
    assert keep(RecordingSettings(filter=("far",)), given) == [1]
    assert keep(RecordingSettings(filter=("far", "uncertain")), given) == [1, 3]
    settings = RecordingSettings(filter=("far", "events"), seconds_around=0.4)
    assert keep(settings, given) == [1, 3, 4, 5]
    assert keep(settings, given[:3]) == [1]  # the flight ends before it is decided who else is kept
    assert keep(dataclasses.replace(settings, stride=2), given) == [1, 4]


def processed(hero: float, confidence: float | None = None, metres: float | None = None) -> ProcessedFrame:
    probabilities = np.zeros((8, 8, 3), np.float32)
    probabilities[4, 4, 2] = hero
    detection = confidence and Detection((0, 0), (0, 0, 1, 1), 1, confidence, np.zeros((8, 8), bool))
    range_ = metres and Range(metres, RangeSource.DEPTH)
    return processed_frame(Decision(TargetState.FOUND, False, (), detection, range_), probabilities=probabilities)


@pytest.mark.parametrize(
    ("pixels", "metres", "far"),
    [(0, None, False), (10, None, True), (49, 10.0, True), (50, 10.0, False), (900, 31.0, True), (0, 31.0, True)],
)
def test_far_target_has_few_pixels_or_many_metres(pixels, metres, far):
    labels = np.zeros((256, 256), np.uint8)
    labels.ravel()[:pixels] = 2
    assert ("far" in reasons_to_keep(labels, processed(0.9, 0.9, metres), RecordingSettings())) is far


def test_pixels_are_scaled_to_the_reference_size():
    labels = np.zeros((512, 512), np.uint8)
    labels.ravel()[:160] = 2  # 40 at 256x256
    assert "far" in reasons_to_keep(labels, processed(0.9, 0.9), RecordingSettings())


@pytest.mark.parametrize(
    ("hero", "confidence", "uncertain"),
    [(0.99, 0.95, False), (0.99, 0.7, True), (0.05, None, False), (0.4, None, True)],
)
def test_uncertain_if_confidence_is_low_or_an_undetected_peak_is_high(hero, confidence, uncertain):
    labels = np.zeros((256, 256), np.uint8)
    given = reasons_to_keep(labels, processed(hero, confidence), RecordingSettings(uncertain_below=0.8))
    assert ("uncertain" in given) is uncertain


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("filter", ["near"]),
        ("stride", 0),
        ("name", "a/b"),
        ("name", ".."),
        ("far_metres", float("nan")),
        ("enabled", "yes"),
        ("queue_frames", 0),
        ("seconds_around", -1),
        ("uncertain_below", 0.2),
        ("max_gigabytes", 0),
    ],
)
def test_invalid_settings_are_named(setting, value):
    with pytest.raises(ConfigError, match=f"^{setting}: expected"):
        build(RecordingSettings, {setting: value})
