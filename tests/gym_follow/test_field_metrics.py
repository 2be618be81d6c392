"""The field's figures against flights counted by hand."""

import math

import pytest

from gym_follow.metrics import active_tracking, evt_bench
from gym_follow.metrics.active_tracking import fraction_in_view, reward, tracking_episode
from gym_follow.metrics.evt_bench import EvtEpisode, evt_episode
from gym_follow.metrics.identity import identity_counts
from gym_follow.metrics.summary import flight_figures, rows, summarise
from tests.gym_follow.moments import NOTHING, WRONG, flight, moment, searching

NEAR = {"distance": 2.8}
UNSEEN = {"distance": 2.8, "target_pixels": 0}


def test_an_episode_begins_where_the_quad_first_follows_the_target_in_view():
    log = flight((10, searching, {}), (5, moment, {**NEAR, **NOTHING}), (300, moment, NEAR), (50, searching, {}))
    assert evt_episode(log) == EvtEpisode(True, 300, 300, False)
    # Within 8 m the episode begins, but only 3 m count as following.
    approaching = flight((3, moment, {"distance": 9.0}), (4, moment, {"distance": 6.0}), (296, moment, NEAR))
    assert evt_episode(approaching) == EvtEpisode(True, 296, 300, False)
    assert evt_episode(approaching, 8.0) == EvtEpisode(True, 300, 300, False)


def test_a_flight_that_never_follows_the_target_fails_with_a_whole_episode():
    assert evt_episode(flight((700, searching, {}))) == EvtEpisode(False, 0, 300, False)
    assert tracking_episode(flight((700, searching, {}))).length == 0
    assert fraction_in_view(flight((700, searching, {}))) == 0


def test_success_is_decided_in_the_last_step():
    unseen_last = flight((299, moment, NEAR), (1, moment, UNSEEN))
    assert evt_episode(unseen_last) == EvtEpisode(False, 299, 300, False)
    unseen_before = flight((100, moment, NEAR), (150, moment, UNSEEN), (50, moment, NEAR))
    assert evt_episode(unseen_before) == EvtEpisode(True, 150, 300, False)


def test_more_than_twenty_far_steps_without_following_end_the_episode():
    far = {"distance": 4.1}
    back = flight((100, moment, NEAR), (20, moment, far), (180, moment, NEAR))
    assert evt_episode(back) == EvtEpisode(True, 280, 300, False)
    too_long = flight((100, moment, NEAR), (21, moment, far), (179, moment, NEAR))
    assert evt_episode(too_long) == EvtEpisode(False, 100, 300, False)
    # Between 3 and 4 m the count stands still; only following sets it back.
    interrupted = flight((100, moment, NEAR), (15, moment, far), (9, moment, {"distance": 3.5}), (6, moment, far))
    assert not evt_episode([*interrupted, *flight((200, moment, NEAR))]).success
    assert evt_episode(too_long, 8.0).success  # in the quad's band it is near enough


def test_a_collision_is_less_than_half_a_metre_from_the_body():
    def above(height):
        return {"quad": (10.0, 0.0, 1.0 + height)}  # over the target's centre, which is 1 m below the top

    assert evt_episode(flight((50, moment, NEAR), (1, moment, above(1.4)), (249, moment, NEAR))) == EvtEpisode(
        False, 50 + 1, 300, True
    )
    assert evt_episode(flight((50, moment, NEAR), (1, moment, above(1.6)), (249, moment, NEAR))).success


def test_an_episode_that_ends_early_has_all_its_steps_also_in_a_short_flight():
    lost = flight((100, moment, NEAR), (50, moment, {"distance": 30.0}))
    assert evt_episode(lost) == EvtEpisode(False, 100, 300, False)
    collided = flight((100, moment, NEAR), (1, moment, {"distance": 0.4}), (20, moment, NEAR))
    assert evt_episode(collided) == EvtEpisode(False, 101, 300, True)


def test_only_an_episode_that_is_still_running_is_cut_short():
    assert evt_bench.is_cut_short(flight((299, moment, NEAR)))
    assert not evt_bench.is_cut_short(flight((300, moment, NEAR)))
    assert not evt_bench.is_cut_short(flight((100, moment, NEAR), (21, moment, {"distance": 30.0})))
    # Lost for 3 m, but not for the quad's band.
    assert evt_bench.is_cut_short(flight((100, moment, NEAR), (21, moment, {"distance": 5.0})))
    lost = flight((100, moment, {"distance": 2.5}), (26, moment, {"distance": 30.0}))
    assert active_tracking.is_cut_short(lost[:-1])
    assert not active_tracking.is_cut_short(lost)
    assert not active_tracking.is_cut_short(flight((100, searching, {})))


def test_a_target_that_fills_the_picture_is_not_followed():
    log = flight((100, moment, NEAR), (200, moment, {**NEAR, "target_pixels": 20_000}))
    assert evt_episode(log) == EvtEpisode(False, 100, 300, False)


@pytest.mark.parametrize(
    ("distance", "degrees", "expected"),
    [(2.5, 0, 1.0), (5.0, 0, 0.0), (1.25, 0, 0.5), (2.5, 15, 0.5), (2.5, -15, 0.5), (3.0, 6, 0.6), (50.0, 0, -1.0)],
)
def test_reward(distance, degrees, expected):
    assert reward(moment(0, distance, bearing=math.radians(degrees))) == pytest.approx(expected)


def test_the_reward_is_accumulated_over_500_steps():
    log = flight((5, searching, {}), (600, moment, {"distance": 3.0}))  # 0.8 a step
    episode = tracking_episode(log)
    assert (episode.length, episode.success) == (500, True)
    assert episode.reward == pytest.approx(400)
    assert not active_tracking.is_cut_short(log)
    assert active_tracking.is_cut_short(log[:500])
    assert not evt_bench.is_cut_short(log[:500])


def test_a_target_that_is_not_viewed_for_five_seconds_ends_the_episode():
    aside = {"distance": 2.5, "bearing": math.radians(45)}  # reward -0.5
    back = flight((100, moment, {"distance": 2.5}), (25, moment, aside), (375, moment, {"distance": 2.5}))
    assert tracking_episode(back).reward == pytest.approx(475 - 12.5)
    gone = flight((100, moment, {"distance": 2.5}), (26, moment, aside), (374, moment, {"distance": 2.5}))
    episode = tracking_episode(gone)
    assert (episode.length, episode.success) == (126, False)
    assert episode.reward == pytest.approx(100 - 13)


def test_time_in_view():
    log = flight((20, searching, {}), (60, moment, NEAR), (20, searching, {}), (20, moment, NEAR))
    assert fraction_in_view(log) == pytest.approx(0.8)


def test_idf1():
    log = flight(
        (4, searching, {}),  # nothing to find, nothing reported
        (10, moment, {}),  # found
        (3, moment, NOTHING),  # missed
        (2, moment, WRONG),  # missed, and somebody else reported
        (1, searching, WRONG),  # somebody else reported
        (2, moment, {"error": 2.5}),  # too far off
    )
    counts = identity_counts(log)
    assert (counts.true_positives, counts.false_positives, counts.false_negatives) == (10, 5, 7)
    assert counts.idf1 == pytest.approx(20 / 32)


def test_correct_reports_beyond_the_range_of_masks_do_not_count_for_idf1():
    unseen = {"target_pixels": 0}
    log = flight((10, moment, {}), (5, moment, {"distance": 60.0, **unseen}), (2, searching, {"distance": 60.0}))
    assert identity_counts(log).idf1 == 1
    wrong = flight((1, moment, {"distance": 60.0, **unseen, **WRONG}), (1, moment, {"distance": 30.0, **unseen}))
    assert identity_counts(wrong).false_positives == 2


def test_means_are_of_flights_or_of_all_their_steps():
    whole = flight_figures(flight((600, moment, NEAR)))
    half = flight_figures(flight((75, moment, NEAR), (75, moment, UNSEEN)))
    never = flight_figures(flight((600, searching, {})))
    summary = summarise([whole, half, never])
    assert summary["found"].value == pytest.approx(2 / 3)
    assert summary["success"].value == pytest.approx(1 / 3)
    assert summary["tracking_rate"].value == pytest.approx((300 + 75 + 0) / (300 + 150 + 300))
    assert summary["idf1"].value == pytest.approx((2 * 600 + 2 * 75) / (2 * 600 + 2 * 75 + 75))
    assert summary["first_detection"].value == 0.0  # of the two that have one
    assert dict((heading, text) for _, heading, text in rows(summary))["time to reacquire, s"] == "-"


def test_the_longest_interval_is_the_longest_of_all_flights():
    wrong = flight_figures(flight((10, moment, {}), (5, moment, WRONG), (10, moment, {})))
    right = flight_figures(flight((25, moment, {})))
    assert summarise([right, wrong, right])["longest_wrong_target_time"].value == pytest.approx(1.0)
