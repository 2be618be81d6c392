"""Found, lost, outliers, rivals, odd clocks: the tracker against walks with known ground truth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from follower.tracking.candidates import Absence, Candidate
from follower.tracking.tracker import Tracker
from follower.types import TargetState

STEP = 0.2  # seconds; QuadSim sends 5 frames a second


def at(x, y=0.0, z=1.0, strength=100.0, error=0.2, log_odds=4.0, can_start=True, distant=False):
    """Return a candidate; by default one frame of it is enough evidence."""
    point = np.array([x, y, z], dtype=float)
    return Candidate(point, np.eye(3) * error**2, strength, log_odds, can_start, distant=distant)


def seen_near(x, log_odds=4.0, **options):
    """Return a candidate whose silhouette shows how typical of the target the person is."""
    return replace(at(x, log_odds=log_odds), by_silhouette=log_odds, reliable=True, **options)


def tracker(max_missed_seconds=1.2, switch_after_seconds=0.6):
    return Tracker(max_missed_seconds, switch_after_seconds)


def approach(tracking, frames):
    """Let a distant person be approached for some frames."""
    for frame in range(frames):
        tracking.step(STEP * frame, [at(20.0, log_odds=2.0, distant=True)])


def lost_at_the_origin():
    """Return a tracker whose target was lost, and the number of the next frame."""
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(0.0)])
    for frame in range(20, 28):
        tracking.step(STEP * frame, [])
    assert tracking.loss is not None
    return tracking, 28


def walk(steps, speed=1.5, radius=None):
    """Return the true positions (steps, 3) of a person walking straight, or round a circle."""
    along = np.arange(steps) * STEP * speed
    if radius is None:
        return np.stack([along, 0 * along, np.ones(steps)], axis=-1)
    return np.stack([radius * np.sin(along / radius), radius * np.cos(along / radius), np.ones(steps)], axis=-1)


def test_found_with_the_first_clear_detection():
    tracking = tracker()
    assert tracking.state is TargetState.SEARCHING
    assert tracking.step(0.0, []) is None
    assert tracking.step(0.2, [at(10, can_start=False)]) is None
    assert tracking.state is TargetState.SEARCHING
    assert tracking.step(0.4, [at(10)]) == 0
    assert tracking.state is TargetState.FOUND
    assert tracking.track.point == pytest.approx([10, 0, 1])


def test_weak_evidence_of_one_frame_is_not_enough_but_of_several_is():
    tracking = tracker()
    chosen = [tracking.step(STEP * frame, [at(10, log_odds=1.5)]) for frame in range(4)]
    # 1.5, then 1.5 + 0.85 * 1.5 = 2.8, then 3.9: more than 20 to 1 (3.0) with the third frame.
    assert chosen == [None, None, 0, 0]
    assert tracking.state is TargetState.FOUND


def test_weak_evidence_of_different_people_does_not_add_up():
    tracking = tracker()
    for frame in range(40):
        assert tracking.step(STEP * frame, [at(10 + 20 * (frame % 8), log_odds=2.5)]) is None
    assert tracking.state is TargetState.SEARCHING


def test_a_target_that_proves_a_false_positive_is_lost_within_a_second():
    """All evidence from afar is for the target; from near, frame after frame is against it."""
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(10, log_odds=2.0)])
    assert tracking.state is TargetState.FOUND
    for frame in range(20, 25):
        tracking.step(STEP * frame, [at(10, log_odds=-4.0)])
    assert tracking.state is TargetState.LOST
    assert tracking.track is None


def test_brief_evidence_against_the_target_does_not_lose_it():
    """The target walks past another person, and both are one silhouette for two frames."""
    tracking = tracker()
    for frame, place in enumerate(walk(40)):
        merged = frame in (20, 21)
        assert tracking.step(STEP * frame, [at(*place, log_odds=-2.0 if merged else 4.0)]) == 0


def test_a_person_who_walks_through_the_target_does_not_lose_it():
    """In QuadSim's crowd: for half a second most of the near silhouette is another person's."""
    tracking = tracker()
    for frame, place in enumerate(walk(60)):
        covered = frame in (30, 31, 32)
        assert tracking.step(STEP * frame, [at(*place, log_odds=-8.0 if covered else 4.0)]) == 0


def test_another_person_at_the_predicted_position_loses_the_target():
    """Taken for the target from afar twice, then for another person at the same place: lost before six misses."""
    tracking, asked = tracker(), []

    def absence(point):
        asked.append(point)
        return Absence(-2.0)

    for frame in range(2):
        tracking.step(STEP * frame, [at(10, log_odds=2.0)], absence)
    assert tracking.state is TargetState.FOUND
    assert asked == []  # not computed where the person has a candidate
    for frame in range(2, 4):
        assert tracking.step(STEP * frame, [], absence) is None
    assert tracking.state is TargetState.LOST
    assert asked[0] == pytest.approx([10, 0, 1], abs=0.1)


def test_another_person_briefly_in_the_way_does_not_lose_the_target():
    tracking = tracker()
    for frame in range(40):
        hidden = frame in (20, 21, 22)
        tracking.step(STEP * frame, [] if hidden else [at(10)], lambda point: Absence(-2.0))
        assert tracking.state is TargetState.FOUND


@pytest.mark.parametrize(("away", "followed_again"), [(10, False), (200, True)])
def test_a_false_positive_is_remembered_for_a_while(away, followed_again):
    """Out of sight for two seconds, it is not acquired again at once; after forty, it is forgotten."""
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(10, log_odds=-4.0)])
    for frame in range(20, 20 + away):
        tracking.step(STEP * frame, [])
    tracking.step(STEP * (20 + away), [at(10)])
    assert (tracking.state is TargetState.FOUND) == followed_again


def test_false_positives_do_not_displace_the_target():
    """However many people are known not to be the target."""
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(10 * person, 20, log_odds=-4.0) for person in range(4 * (frame % 5), 12)])
    chosen = [tracking.step(STEP * frame, [at(-10, log_odds=2.0)]) for frame in (20, 21)]
    assert chosen == [None, 0]


def test_a_false_positive_long_unseen_claims_no_distant_candidate():
    """After six seconds its position is unknown: a candidate 15 m away starts from scratch."""
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(10, log_odds=-4.0)])
    for frame in range(20, 50):
        tracking.step(STEP * frame, [])
    assert tracking.step(50 * STEP, [at(25)]) == 0


@pytest.mark.parametrize("rate", [5, 10, 30])
@pytest.mark.parametrize("seconds", [0.2, 1.2])
def test_lost_after_so_many_seconds_without_a_view(seconds, rate):
    tracking = tracker(max_missed_seconds=seconds)
    for frame in range(rate):
        tracking.step(frame / rate, [at(10)])
    assert tracking.state is TargetState.FOUND
    last = rate + round(seconds * rate) - 1
    for frame in range(rate, last):
        tracking.step(frame / rate, [])
        assert tracking.state is TargetState.FOUND
    tracking.step(last / rate, [])
    assert tracking.state is TargetState.LOST
    assert tracking.track is None


@pytest.mark.parametrize("rate", [10, 30])
@pytest.mark.parametrize(("odds", "at_five"), [(1.5, 0.6), (2.0, 0.4), (4.0, 0.2), (0.4, None)])
def test_evidence_takes_as_long_at_any_frame_rate(odds, at_five, rate):
    """`at_five` seconds of frames are needed at 5 frames per second; more frames are not more evidence."""
    tracking = tracker()
    tracking.step(-1 / rate, [])
    for frame in range(4 * rate):
        if tracking.step(frame / rate, [at(10, log_odds=odds)]) is not None:
            break
    if at_five is None:
        assert tracking.state is TargetState.SEARCHING
    else:
        assert at_five - 0.2 < (frame + 1) / rate <= at_five + 0.05


@pytest.mark.parametrize("rate", [5, 10, 30])
def test_a_false_positive_is_dropped_as_soon_at_any_frame_rate(rate):
    tracking, frame = tracker(), 0
    while frame < 4 * rate:
        tracking.step(frame / rate, [at(10, log_odds=2.0)])
        frame += 1
    while tracking.state is TargetState.FOUND:
        tracking.step(frame / rate, [at(10, log_odds=-4.0)])
        frame += 1
    assert 0.4 <= frame / rate - 4 <= 0.8


@pytest.mark.parametrize("rate", [5, 10, 30])
def test_another_person_becomes_the_target_as_soon_at_any_frame_rate(rate):
    tracking = tracker()
    for frame in range(4 * rate):
        tracking.step(frame / rate, [at(10)])
    frame = 4 * rate
    while tracking.step(frame / rate, [at(40, 10)]) is None:
        frame += 1
    assert 0.6 <= (frame + 1) / rate - 4 <= 1.2
    assert tracking.track.point[0] > 30


@pytest.mark.parametrize("speed", range(1, 10))
@pytest.mark.parametrize("radius", [None, 5.0])
def test_a_target_stays_found_at_the_simulators_time_scale(speed, radius):
    """QuadSim's timestamps are the wall clock: at speed 9 the target covers 2.7 m from frame to frame."""
    tracking, rng, missed = tracker(), np.random.default_rng(speed), 0
    places = walk(150, 1.5 * speed, radius)
    for frame, place in enumerate(places):
        hidden = frame % 12 == 11
        candidates = [] if hidden else [at(*(place + rng.normal(0, 0.1, 3)), log_odds=2.5)]
        chosen = tracking.step(STEP * frame, candidates)
        missed += not hidden and chosen is None
        if chosen is not None:
            assert np.linalg.norm(tracking.track.point - place) < 1.0
    assert missed <= 3


@pytest.mark.parametrize("stops", [5, 10, 25])
def test_a_target_that_stops_at_the_simulators_time_scale_stays_found(stops):
    """At nine times the speed, it walks on as fast as before."""
    tracking, speed, x = tracker(), 14.0, 0.0
    for frame in range(40 + stops):
        x += 0.0 if 20 <= frame < 20 + stops else STEP * speed
        assert tracking.step(STEP * frame, [at(x)]) == 0


def test_after_missed_frames_a_pause_and_a_run_the_target_is_in_reach():
    tracking, speed = tracker(), 14.0
    for frame in range(20):
        tracking.step(STEP * frame, [at(STEP * frame * speed)])
    for frame in range(20, 24):
        tracking.step(STEP * frame, [])
    later = STEP * 23 + 2.4
    assert tracking.step(later, [at(later * speed)]) == 0


def test_a_blob_nearby_that_is_hardly_the_target_does_not_continue_its_track():
    """At the simulator's own speed nobody jumps three metres: only a clear view of the target may."""
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(10)])
    assert tracking.step(20 * STEP, [at(13, log_odds=-0.5)]) is None
    assert tracking.track.point == pytest.approx([10, 0, 1], abs=0.1)
    assert tracking.step(21 * STEP, [at(10)]) == 0


@pytest.mark.parametrize("missing", [1, 3, 5])
def test_of_a_walking_target_only_a_candidate_as_near_as_people_get_is_a_view(missing):
    """Somebody like it 5 m away is somebody else; when it was first seen, it might have been as fast."""
    for walked, taken in ((20, None), (1, 0)):
        tracking, places = tracker(), walk(40)
        for frame in range(walked):
            tracking.step(STEP * frame, [at(*places[frame])])
        x, y, z = places[walked]
        for frame in range(walked, walked + missing - 1):
            tracking.step(STEP * frame, [])
        later = STEP * (walked + missing - 1)
        assert tracking.step(later, [at(x, y + (5.0 if missing > 1 else 3.5), z)]) == taken


def test_an_abrupt_turn_is_not_left_to_somebody_who_went_out_of_sight():
    """Where that person is has become so uncertain that its gate covers the target."""
    tracking = tracker()
    for frame in range(30):
        bystander = [at(11.5, 7.0, strength=0.4, log_odds=-1.0)] if frame < 15 else []
        assert tracking.step(STEP * frame, [at(10, 0.3 * frame, strength=0.5), *bystander]) == 0
    assert tracking.step(STEP * 30, [at(10, 7.4, strength=0.5)]) == 0


def test_a_hand_in_reach_does_not_continue_a_track():
    for strength, taken in ((0.01, None), (0.3, 0)):
        tracking = tracker()
        for frame in range(20):
            tracking.step(STEP * frame, [at(10, strength=0.4)])
        assert tracking.step(STEP * 20, [at(10, 1.6, strength=strength, log_odds=0.1)]) == taken


def test_an_abrupt_turn_does_not_send_the_track_away():
    """A view beyond the gate is taken, but not as the speed of the target: the next may be back again."""
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(10, 0.1 * frame)])
    assert tracking.step(STEP * 20, [at(10, 3.6)]) == 0
    assert tracking.step(STEP * 21, []) is None
    assert np.linalg.norm(tracking.track.point - [10, 3.6, 1]) < 0.5


def test_one_detection_resets_the_count():
    tracking = tracker()
    for frame in range(60):
        tracking.step(STEP * frame, [at(10)] if frame % 6 == 0 else [])
        assert tracking.state is TargetState.FOUND


def test_searching_never_becomes_lost():
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [])
    assert tracking.state is TargetState.SEARCHING


def test_found_again_elsewhere_after_loss():
    tracking = tracker(max_missed_seconds=0.2)
    tracking.step(0.0, [at(10)])
    tracking.step(STEP, [])
    assert tracking.step(2 * STEP, [at(-80)]) == 0
    assert tracking.state is TargetState.FOUND
    assert tracking.track.point == pytest.approx([-80, 0, 1])


@pytest.mark.parametrize("radius", [None, 6.0])
def test_the_filtered_position_is_better_than_the_measured_one(radius):
    rng = np.random.default_rng(11)
    raw, filtered = [], []
    tracking = tracker()
    for frame, place in enumerate(walk(300, radius=radius)):
        seen = place + rng.normal(0, 0.4, 3)
        tracking.step(STEP * frame, [at(*seen, error=0.4)])
        if frame > 10:
            raw.append(np.linalg.norm(seen - place))
            filtered.append(np.linalg.norm(tracking.track.point - place))
    assert np.median(filtered) < 0.8 * np.median(raw)
    assert np.median(filtered) < 0.5


def test_a_short_miss_is_bridged_by_prediction():
    tracking = tracker()
    places = walk(25)
    for frame, place in enumerate(places):
        tracking.step(STEP * frame, [at(*place)] if frame < 20 else [])
    assert tracking.state is TargetState.FOUND
    assert np.linalg.norm(tracking.track.point - places[24]) < 0.5


def test_a_wrong_person_for_two_frames_is_not_followed():
    tracking = tracker()
    for frame, place in enumerate(walk(40)):
        wrong = frame in (20, 21)
        chosen = tracking.step(STEP * frame, [at(place[0] + 8, 5, log_odds=8.0) if wrong else at(*place)])
        assert chosen == (None if wrong else 0)
        assert np.linalg.norm(tracking.track.point - place) < 0.5


def test_a_candidate_that_persists_elsewhere_becomes_the_target():
    """A wrong track must be left: after a second, and before the target would be lost."""
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(10)])
    chosen = [tracking.step(STEP * frame, [at(40, 10)]) for frame in range(20, 25)]
    assert chosen == [None, None, None, None, 0]
    assert tracking.state is TargetState.FOUND
    assert tracking.track.point == pytest.approx([40, 10, 1])


def test_outliers_in_changing_places_start_no_track():
    tracking = tracker()
    tracking.step(0.0, [at(10)])
    for frame in range(1, 6):
        assert tracking.step(STEP * frame, [at(30 + 20 * (frame % 3), 25 * frame)]) is None
    assert tracking.step(6 * STEP, [at(10)]) == 0


def test_a_wrong_start_is_left_within_two_seconds():
    """A false positive is found first and stays in view; then the target comes, with far more evidence."""
    tracking = tracker()
    for frame in range(10):
        tracking.step(STEP * frame, [at(10, log_odds=1.6)])
    for frame in range(10, 20):
        tracking.step(STEP * frame, [at(25, 8), at(10, log_odds=1.6)])
    assert tracking.track.point == pytest.approx([25, 8, 1], abs=0.1)


def test_a_brief_false_start_is_left_at_once():
    tracking = tracker()
    tracking.step(0.0, [at(10)])
    chosen = [tracking.step(STEP * frame, [at(30, 10)]) for frame in range(1, 4)]
    assert chosen == [None, None, 0]


def test_the_target_is_reacquired_quickly_from_a_false_positive():
    """The target is hidden while a false positive has some evidence; its own has not decayed by then."""
    tracking, wrong = tracker(), 0
    for frame in range(60):
        hidden = 20 <= frame < 29
        candidates = [at(18, 6, log_odds=2.0)] if hidden else [at(10), at(18, 6, log_odds=2.0)]
        tracking.step(STEP * frame, candidates)
        wrong += tracking.track is not None and tracking.track.point[0] > 14
    assert wrong * STEP < 2
    assert tracking.track.point == pytest.approx([10, 0, 1], abs=0.1)


def test_a_larger_wrong_blob_does_not_switch_the_target_at_once():
    tracking = tracker()
    for frame in range(40):
        candidates = [at(25, 8, log_odds=8.0), at(10)] if frame in (20, 21, 30) else [at(10)]
        tracking.step(STEP * frame, candidates)
        assert tracking.track.point == pytest.approx([10, 0, 1], abs=0.1)


def test_a_step_aside_is_no_outlier_however_certain_the_filter_is():
    tracking = tracker()
    for frame in range(50):
        tracking.step(STEP * frame, [at(10, error=0.01)])
    assert tracking.step(50 * STEP, [at(10, 0.9, error=0.01)]) == 0


def test_of_two_candidates_on_the_track_the_likelier_is_chosen():
    tracking = tracker()
    for frame in range(10):
        tracking.step(STEP * frame, [at(10)])
    # Both are within reach: a weak one just there, and a strong one a little aside.
    assert tracking.step(10 * STEP, [at(10.2, strength=100), at(10.0, strength=5)]) == 0
    # As strong as each other: the nearer one.
    assert tracking.step(11 * STEP, [at(10.9, strength=100), at(10.0, strength=100)]) == 1


def test_after_a_gap_of_seconds_the_new_position_is_taken():
    tracking = tracker()
    for frame in range(20):
        tracking.step(STEP * frame, [at(STEP * frame * 1.5)])
    assert tracking.step(30.0, [at(60, 20)]) == 0
    assert tracking.track.point == pytest.approx([60, 20, 1])


def test_after_a_gap_of_seconds_nobody_is_taken_who_is_farther_than_people_get():
    """A stalled link: 2.4 s later somebody like the target is 30 m away."""
    for away, taken in ((30.0, None), (6.0, 0)):
        tracking = tracker()
        for frame, place in enumerate(walk(20)):
            tracking.step(STEP * frame, [at(*place)])
        later = STEP * 19 + 2.4
        assert tracking.step(later, [at(walk(20)[-1][0], away)]) == taken
        assert tracking.state is TargetState.FOUND


@pytest.mark.parametrize("times", [[5.0] * 12, [5.0 - 0.2 * i for i in range(12)], [5.0, 1e9, 5.0, 5.2, 0.0, 5.4] * 2])
def test_clocks_that_stand_still_run_back_or_jump(times):
    tracking = tracker()
    rng = np.random.default_rng(2)
    for time in times:
        assert tracking.step(time, [at(10 + rng.normal(0, 0.1), rng.normal(0, 0.1))]) == 0
        assert tracking.track.point == pytest.approx([10, 0, 1], abs=0.5)
        assert (np.linalg.eigvalsh(tracking.track.covariance) > -1e-9).all()


@given(
    st.lists(
        st.tuples(
            st.floats(-1, 5),
            st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(-8, 8)), max_size=3),
        ),
        max_size=40,
    )
)
def test_invariants_hold_for_any_sequence(frames):
    """For any input: finite numbers, a track while found and only then, found only with evidence for it."""
    tracking, time, misses = tracker(), 0.0, 0
    for step, places in frames:
        time += step
        before = tracking.state
        chosen = tracking.step(time, [at(x, y, log_odds=odds) for x, y, odds in places])
        misses = 0 if chosen is not None else misses + 1
        assert (tracking.track is not None) == (tracking.state is TargetState.FOUND)
        if before is TargetState.FOUND:
            assert misses < 6 or tracking.state is TargetState.LOST
        elif tracking.state is TargetState.FOUND:
            assert places[chosen][2] > 0
        if tracking.track is not None:
            assert np.isfinite(tracking.track.mean).all()
            assert np.isfinite(tracking.track.covariance).all()


def silhouette(log_odds):
    return seen_near(10, log_odds, forgivable=9.0 * (log_odds > -6.0))


def test_the_target_stays_it_in_views_that_are_less_typical_but_no_other_person_becomes_it():
    tracking, stranger = tracker(), tracker()
    assert tracking.step(0.0, [silhouette(4.0)]) == 0
    for frame in range(1, 30):
        assert tracking.step(STEP * frame, [silhouette(-1.2)]) == 0
        stranger.step(STEP * frame, [silhouette(-1.2)])
    assert tracking.state is TargetState.FOUND
    assert stranger.state is TargetState.SEARCHING


@pytest.mark.parametrize(("before", "survives"), [(4.0, True), (0.6, False)])
def test_who_was_typical_for_long_stays_the_target_for_two_untypical_seconds(before, survives):
    tracking = tracker()
    tracking.step(0.0, [silhouette(4.0)])
    for frame in range(1, 50):
        tracking.step(STEP * frame, [silhouette(before)])
    for frame in range(50, 60):
        tracking.step(STEP * frame, [silhouette(-4.0)])
    assert (tracking.state is TargetState.FOUND) is survives
    for frame in range(60, 100):
        tracking.step(STEP * frame, [silhouette(-8.0)])
    assert tracking.state is TargetState.LOST


def test_a_target_that_was_approached_proves_a_false_positive_as_any_other():
    tracking = tracker()
    approach(tracking, 5)
    assert tracking.suspect is not None
    for frame in range(5, 8):
        tracking.step(STEP * frame, [at(20)])
    assert tracking.state is TargetState.FOUND
    for frame in range(8, 12):
        tracking.step(STEP * frame, [], lambda point: Absence(-3.0, small=True))
    assert tracking.state is TargetState.LOST
    assert tracking.loss is None


def test_a_lost_target_is_searched_for_and_not_approached_as_before_it_was_found():
    tracking = tracker()
    approach(tracking, 5)
    for frame in range(5, 15):
        tracking.step(STEP * frame, [at(20)])
    for frame in range(15, 25):
        tracking.step(STEP * frame, [])
    assert tracking.state is TargetState.LOST
    assert tracking.loss is not None
    assert tracking.suspect is None


@pytest.mark.parametrize(("forgivable", "kept"), [(2.9, True), (0.0, False)])
def test_a_target_that_turns_may_look_untypical(forgivable, kept):
    """It runs on towards where it was not expected, and its silhouette is another from there."""
    tracking = tracker()
    for frame in range(60):
        assert tracking.step(STEP * frame, [seen_near(0.5 * frame)]) == 0
    untypical = seen_near(28.0, -0.5, forgivable=forgivable)
    assert (tracking.step(STEP * 60, [untypical]) == 0) == kept


@pytest.mark.parametrize(("log_odds", "forgivable"), [(-1.0, 0.5), (-4.0, 2.0), (-2.0, 2.0)])
def test_a_target_that_nothing_speaks_for_any_more_is_given_up(log_odds, forgivable):
    """A wrong person, seen from near, or in a group: no forgiveness lasts for ever."""
    tracking = tracker()
    for frame in range(50):
        tracking.step(STEP * frame, [seen_near(0.3 * frame)])
    for frame in range(50, 200):
        if tracking.step(STEP * frame, [seen_near(0.3 * frame, log_odds, forgivable=forgivable)]) is None:
            break
    assert STEP * (frame - 50) < 20
    assert tracking.state is TargetState.LOST
    assert tracking.disproved


@pytest.mark.parametrize(("frames", "searched"), [(50, True), (25, False)])
def test_a_disproved_target_is_searched_for_if_one_was_established(frames, searched):
    """The evidence may be wrong: in a group, or in bad light. Before, it was another person."""
    tracking = tracker()
    for frame in range(frames):
        tracking.step(STEP * frame, [seen_near(0.3 * frame)])
    assert tracking.state is TargetState.FOUND
    while tracking.state is TargetState.FOUND:
        frame += 1
        tracking.step(STEP * frame, [seen_near(0.3 * frame, -4.0)])
    assert tracking.disproved
    assert (tracking.loss is not None) == searched
    if searched:
        assert tracking.loss.track.point[0] == pytest.approx(0.3 * frame, abs=0.2)


def test_before_a_target_is_established_a_disproved_person_does_not_end_the_search_for_an_earlier_one():
    """The earlier one may have been the target, however certain the later one seemed."""
    tracking, first = lost_at_the_origin()
    lost = tracking.loss.track
    for frame in range(first, first + 20):
        tracking.step(STEP * frame, [seen_near(12.0)])
    assert tracking.state is TargetState.FOUND
    for frame in range(first + 20, first + 35):
        tracking.step(STEP * frame, [seen_near(12.0, -4.0)])
    assert tracking.state is TargetState.LOST
    assert tracking.loss.track is lost


def test_a_person_who_resembles_the_target_too_little_is_rejected_and_not_followed_again():
    """Another person in red: each single view speaks for the target, but less than nearly all views of it do."""
    tracking = tracker()
    followed = [tracking.step(STEP * frame, [seen_near(0.3 * frame, 1.5)]) == 0 for frame in range(150)]
    assert 5.5 <= STEP * sum(followed) < 7.0
    assert tracking.state is TargetState.LOST
    assert tracking.loss is None
    assert tracking.suspect is None
    for frame in range(150, 200):  # seen better, it is the target after all
        tracking.step(STEP * frame, [seen_near(0.3 * frame, 4.0)])
    assert tracking.state is TargetState.FOUND


def test_views_before_a_person_is_followed_do_not_count():
    """They are from farther away, and fewer pixels show less."""
    tracking = tracker()
    for frame in range(60):
        tracking.step(STEP * frame, [seen_near(9.0, -0.2)])
    chosen = [tracking.step(STEP * frame, [seen_near(9.0, 2.5)]) for frame in range(60, 120)]
    assert set(chosen[10:]) == {0}


def test_the_target_replaces_a_person_who_was_rejected():
    tracking = tracker()
    chosen = [tracking.step(STEP * frame, [seen_near(0.3 * frame, 1.5)]) for frame in range(60)]
    assert chosen[-1] is None
    assert tracking.step(STEP * 60, [seen_near(18.0, 1.5), seen_near(30.0, 4.0)]) == 1


def test_a_rejected_person_is_known_again_after_three_seconds_out_of_view():
    tracking = tracker()
    for frame in range(50):
        tracking.step(STEP * frame, [seen_near(10, 1.5)])
    for frame in range(50, 65):
        tracking.step(STEP * frame, [])
    chosen = [tracking.step(STEP * frame, [seen_near(10, 1.5)]) for frame in range(65, 100)]
    assert set(chosen) == {None}


def test_once_the_target_was_established_it_may_be_less_typical_when_it_is_found_again():
    """In worse light, or half hidden: its appearance is known by then."""
    tracking = tracker()
    for frame in range(50):
        tracking.step(STEP * frame, [seen_near(0.0)])
    for frame in range(50, 100):
        tracking.step(STEP * frame, [])
    chosen = [tracking.step(STEP * frame, [seen_near(0.0, 1.5)]) for frame in range(100, 200)]
    assert set(chosen[10:]) == {0}


def test_a_simulator_that_follows_the_true_target_gets_whoever_resembles_it():
    """QuadSim; giving up could not make it find another person, and a weak network may never give more."""
    tracking = tracker()
    chosen = [tracking.step(STEP * frame, [seen_near(0.3 * frame, 1.5)], can_search=False) for frame in range(100)]
    assert set(chosen[10:]) == {0}


def test_after_the_operator_dropped_the_target_the_next_one_is_on_probation_again():
    tracking = tracker()
    for frame in range(50):
        tracking.step(STEP * frame, [seen_near(0.0)])
    tracking.drop_target()
    chosen = [tracking.step(STEP * frame, [seen_near(9.0, 1.5)]) for frame in range(50, 150)]
    assert 5.5 <= STEP * chosen.count(0) < 7.0


def test_views_that_are_not_reliable_reject_nobody():
    """From afar, in a group, or half hidden, even the target is not typical."""
    tracking = tracker()
    chosen = [tracking.step(STEP * frame, [replace(seen_near(20, 1.0), reliable=False)]) for frame in range(300)]
    assert set(chosen[10:]) == {0}


def test_what_is_known_of_the_target_is_kept_over_a_gap_between_frames():
    tracking = tracker()
    for frame in range(30):
        tracking.step(STEP * frame, [seen_near(10)])
    now = STEP * frame + 3.0  # more than predictions are good for
    followed = [tracking.step(now + STEP * frame, [seen_near(10, 1.2)]) == 0 for frame in range(60)]
    assert all(followed)


@pytest.mark.parametrize("metres", [15.0, 30.0])
def test_a_false_positive_during_a_search_does_not_end_the_search(metres):
    tracking, first = lost_at_the_origin()
    for frame in range(first, 40):
        tracking.step(STEP * frame, [])
    lost = tracking.loss.track
    tracking.step(STEP * 40, [at(metres)])
    assert tracking.state is TargetState.FOUND
    assert tracking.loss is None
    for frame in range(41, 45):
        tracking.step(STEP * frame, [at(metres, log_odds=-4.0)])
    assert tracking.state is TargetState.LOST
    assert tracking.loss.track is lost
    tracking.step(STEP * 45, [at(3.0, log_odds=2.0, distant=True)])
    assert tracking.suspect.point[0] == pytest.approx(3.0)


def test_during_a_search_the_quad_looks_at_a_near_person_but_not_for_long():
    tracking, first = lost_at_the_origin()
    looked = []
    for frame in range(first, first + 40):
        tracking.step(STEP * frame, [at(2.0, log_odds=0.1)])
        looked.append(tracking.suspect is not None)
    assert STEP * sum(looked) == pytest.approx(3.0, abs=0.5)
    assert looked == sorted(looked, reverse=True)


def test_views_that_speak_against_a_person_who_is_looked_at_do_not_end_that_at_once():
    """In the dark and in a crowd, single views of the right person do."""
    tracking, first = lost_at_the_origin()
    tracking.step(STEP * first, [at(2.0, log_odds=0.1)])
    looked = []
    for frame in range(first + 1, first + 11):
        tracking.step(STEP * frame, [at(2.0, log_odds=-1.3)])
        looked.append(tracking.suspect is not None)
    assert looked[:2] == [True, True]
    assert not any(looked[5:])
    assert looked == sorted(looked, reverse=True)


@pytest.mark.parametrize("log_odds", [-0.3, -0.6])
def test_of_those_who_were_approached_after_a_loss_only_the_likely_ones_are_looked_at_for_long(log_odds):
    tracking, first = lost_at_the_origin()
    for frame in range(first, first + 10):
        tracking.step(STEP * frame, [at(12.0, log_odds=2.0, distant=True)])
    looked = 0
    for frame in range(first + 10, first + 60):
        tracking.step(STEP * frame, [at(12.0, log_odds=log_odds)])
        looked += tracking.suspect is not None
    assert 1.0 < STEP * looked < 4.0


def test_a_person_who_went_out_of_view_after_doubtful_views_is_not_waited_for():
    tracking, first = lost_at_the_origin()
    for frame in range(first, first + 10):
        tracking.step(STEP * frame, [at(12.0, log_odds=2.0, distant=True)])
    for frame in range(first + 10, first + 13):
        tracking.step(STEP * frame, [at(12.0, log_odds=-1.3)])
    assert tracking.suspect is not None
    for frame in range(first + 13, first + 17):
        tracking.step(STEP * frame, [])
    assert tracking.suspect is None


def test_who_is_likelier_is_looked_at_rather_than_who_was_looked_at():
    tracking, first = lost_at_the_origin()
    tracking.step(STEP * first, [at(2.0, log_odds=0.1)])
    for frame in range(first + 1, first + 3):
        tracking.step(STEP * frame, [at(2.0, log_odds=-1.1), at(4.0, 3.0, log_odds=1.0)])
    assert tracking.suspect.point[0] == pytest.approx(4.0, abs=0.5)


def test_a_near_person_who_is_out_of_view_again_is_not_looked_at():
    tracking, first = lost_at_the_origin()
    tracking.step(STEP * first, [at(2.0, log_odds=0.1)])
    assert tracking.suspect is not None
    for frame in range(first + 1, first + 5):
        tracking.step(STEP * frame, [])
    assert tracking.suspect is None


def test_without_a_loss_nobody_near_is_looked_at():
    tracking = tracker()
    for frame in range(5):
        tracking.step(STEP * frame, [at(2.0, log_odds=0.1)])
        assert tracking.suspect is None


def test_a_simulator_that_cannot_search_has_no_suspects():
    tracking, frame = lost_at_the_origin()
    tracking.step(STEP * frame, [at(2.0, log_odds=0.1), at(4.0, log_odds=2.0, distant=True)], can_search=False)
    assert tracking.suspect is None


def test_a_person_who_was_approached_for_long_is_not_dropped_on_arrival():
    tracking = tracker()
    approach(tracking, 30)
    for frame in range(30, 35):
        tracking.step(STEP * frame, [at(20.0, log_odds=0.1)])
        assert tracking.suspect is not None


@pytest.mark.parametrize("clock", [lambda time: 0.0, lambda time: -time, lambda time: time - 1000.0])
def test_a_clock_that_stands_still_or_runs_back_does_not_stop_the_time_since_the_loss(clock):
    tracking, first = lost_at_the_origin()
    for frame in range(first, first + 50):
        tracking.step(clock(STEP * frame), [at(20.0, log_odds=2.0, distant=True)])
    assert tracking.loss.seconds == pytest.approx(10.0, abs=1.0)
    assert tracking.suspect is not None


def test_a_pause_counts_as_time_since_the_loss():
    tracking, frame = lost_at_the_origin()
    for later in (30.0, 30.2):
        tracking.step(STEP * frame + later, [at(40.0, log_odds=2.0, distant=True)])
    assert tracking.loss.seconds == pytest.approx(30.0, abs=1.0)
    assert tracking.suspect is not None


def test_near_people_hold_up_a_search_for_some_seconds_in_all():
    """Whether they stay in view, or come and go."""
    tracking, first = lost_at_the_origin()
    looked = 0
    for frame in range(first, first + 80):
        tracking.step(STEP * frame, [at(1.5 * n, 2.0, log_odds=0.05) for n in range(4) if (frame + 8 * n) % 16 < 12])
        looked += tracking.suspect is not None
    assert 2.0 < STEP * looked < 7.0


@pytest.mark.parametrize(("metres", "moved"), [(4.0, True), (60.0, False)])
def test_a_target_that_goes_out_of_sight_again_is_searched_for_where_it_can_be(metres, moved):
    """It was not certain; one that is too far away was another person."""
    tracking, first = lost_at_the_origin()
    lost = tracking.loss.track
    tracking.step(STEP * first, [at(metres)])
    assert tracking.state is TargetState.FOUND
    for frame in range(first + 1, first + 9):
        tracking.step(STEP * frame, [])
    assert tracking.state is TargetState.LOST
    assert (tracking.loss.track is not lost) == moved


def test_after_the_operators_drop_nobody_is_searched_for():
    tracking, first = lost_at_the_origin()
    tracking.step(STEP * first, [at(2.0)])
    tracking.drop_target()
    tracking.step(STEP * (first + 1), [])
    assert tracking.loss is None


@pytest.mark.parametrize(("metres", "seconds", "approached"), [(20.0, 1.6, False), (6.0, 1.6, True), (20.0, 6.0, True)])
def test_during_a_search_only_people_are_approached_whom_the_target_may_be(metres, seconds, approached):
    """It cannot have run any farther."""
    assert approaches_after_a_loss(metres, seconds, at(0.0)) == approached


@pytest.mark.parametrize(
    ("metres", "seconds", "approached"),
    [
        (12.0, 5.0, True),
        (20.0, 5.0, False),
        (20.0, 16.0, True),
        (30.0, 16.0, False),
        (30.0, 45.0, True),
        (50.0, 45.0, False),
    ],
)
def test_an_established_target_is_not_expected_to_have_run_straight_away(metres, seconds, approached):
    """People walk to and fro: hardly any was farther away."""
    assert approaches_after_a_loss(metres, seconds, seen_near(0.0)) == approached


def approaches_after_a_loss(metres, seconds, target):
    """Return whether a distant person is approached so long after a target was last seen, so far from there."""
    tracking = tracker()
    for frame in range(40):
        tracking.step(STEP * frame, [target])
    for frame in range(40, 40 + round(seconds / STEP)):
        tracking.step(STEP * frame, [])
    assert tracking.loss is not None
    for more in range(1, 3):
        tracking.step(STEP * (frame + more), [at(metres, log_odds=2.0, distant=True)])
    return tracking.suspect is not None
