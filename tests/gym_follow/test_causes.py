"""Causes of failures, in flights made by hand."""

import pytest

from gym_follow.metrics.causes import OUT_OF_VIEW, WRONG_TARGET, Cause, causes
from gym_follow.metrics.following import measure
from tests.gym_follow.moments import HZ, NOTHING, WRONG, flight, moment, searching

FOLLOWED_UNSEEN = {"target_pixels": 0, "reported": None, "target_when_reported": None}


@pytest.mark.parametrize(
    ("first", "cause"),
    [
        ((searching, {"distance": 60.0}), Cause.HIDDEN),
        ((searching, {"distance": 60.0, "line_of_sight": True}), Cause.BEYOND),
        ((moment, WRONG | {"target_pixels": 0}), Cause.OTHER_FOLLOWED),
        ((searching, {"line_of_sight": True}), Cause.NOT_FOLLOWED),
        ((moment, FOLLOWED_UNSEEN), Cause.LEFT),
    ],
)
def test_time_out_of_view_has_the_cause_for_which_it_began(first, cause):
    log = flight((5, moment, {}), (1, *first), (4, searching, {"reported_lost": True}), (5, moment, {}))
    out_of_view = {each: seconds for each, seconds in causes(log).items() if each.group == OUT_OF_VIEW}
    assert out_of_view == {cause: pytest.approx(5 / HZ)}


def test_a_target_that_leaves_the_picture_in_a_stall_leaves_it_unnoticed():
    silent = NOTHING | {"followed": (10.5, 0.0, 1.0), "nearest_is_target": True}
    log = flight((5, moment, {}), (3, moment, silent), (2, moment, FOLLOWED_UNSEEN), (1, moment, {}))
    assert causes(log) == {Cause.SILENCE: pytest.approx(2 / HZ)}


def test_a_target_not_yet_found_is_not_missing():
    assert not causes(flight((5, searching, {}), (5, moment, {})))


BEHIND_THE_TARGET = WRONG | {"reported": (20.0, 0.2, 1.0), "followed": (20.0, 0.2, 1.0)}
ASIDE = WRONG | {"reported": (10.0, 5.0, 1.0), "followed": (10.0, 5.0, 1.0)}
STALE = ASIDE | {"reported": None, "target_when_reported": None}


@pytest.mark.parametrize(
    ("before", "wrong", "cause"),
    [
        ((searching, {}), ASIDE, Cause.BEFORE_FOUND),
        ((moment, {}), ASIDE, Cause.ANOTHER),
        ((moment, {}), BEHIND_THE_TARGET, Cause.MISPLACED),
        ((searching, {}), BEHIND_THE_TARGET, Cause.MISPLACED),
        ((moment, {}), STALE, Cause.OUTDATED),
    ],
)
def test_each_moment_with_a_wrong_target_has_its_cause(before, wrong, cause):
    log = flight((5, *before), (5, moment, wrong), (5, moment, {}))
    assert causes(log) == {cause: pytest.approx(5 / HZ)}


def test_causes_add_up_to_the_figures():
    log = flight(
        (3, searching, {}),
        (2, moment, ASIDE),
        (5, moment, {}),
        (3, moment, STALE | {"target_pixels": 0}),
        (4, searching, {"reported_lost": True}),
        (6, moment, {}),
        (2, moment, BEHIND_THE_TARGET),
    )
    seconds, figures = causes(log), measure(log)
    wrong = sum(value for cause, value in seconds.items() if cause.group == WRONG_TARGET)
    out_of_view = sum(value for cause, value in seconds.items() if cause.group == OUT_OF_VIEW)
    assert wrong == pytest.approx(figures.wrong_target_time)
    since = len(log) / HZ - figures.first_detection
    assert out_of_view == pytest.approx((1 - figures.in_view) * since)
