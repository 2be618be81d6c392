"""The whole step against known ground truth: the reported position, and the commands for the simulator."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from follower.agent import AgentSettings, FollowAgent
from follower.types import CreateBoxMarker, DeleteMarker, ObjectDetected, ObjectLost, RangeSource, TargetState

EMPTY = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (256, 256, 1))


def seen(scene, timestamp=0.0, target=(10.0, 0.0), network=256, others=()):
    """Return a frame from a camera at the origin, 4 m up, that looks along x and a little down."""
    blocks = [scene.person(*target), *others] if target else list(others)
    return scene.take((0.0, 0.0, 4.0, 0.0, 15.0, 0.0), blocks, timestamp, network=network)


def sent(decision, kind):
    return [command for command in decision.commands if isinstance(command, kind)]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    target=st.tuples(st.floats(-80, 80), st.floats(-80, 80), st.floats(0, 4)),
    distance=st.floats(2.0, 18.0),
    elevation=st.floats(0, 55),
    bearing=st.floats(-180, 180),
    aside=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
    roll=st.floats(-5, 5),
    turns=st.sampled_from([-360.0, 0.0, 360.0]),
    network=st.sampled_from([160, 256]),
)
def test_the_target_is_reported_where_it_is(scene, target, distance, elevation, bearing, aside, roll, turns, network):
    """For any camera within 20 m the error is less than half a metre."""
    middle = (target[0], target[1], target[2] + 0.8)
    above = max(middle[2] + distance * np.tan(np.radians(elevation)), 0.3)
    x, y, z, _, pitch, yaw = scene.aim(middle, distance, above, bearing)
    wire = (x, y, z, roll, pitch + np.degrees(aside[0]), (yaw + np.degrees(aside[1])) % 360 + min(turns, 0.0))
    beyond = np.radians(bearing + 120)  # another person stands behind the target and aside, never before it
    other = scene.person(target[0] + 3.6 * np.cos(beyond), target[1] + 3.6 * np.sin(beyond), label=1)
    frame, probabilities = scene.take(wire, [scene.person(*target), other])
    agent = FollowAgent()
    for _ in range(4):  # from afar and above, one frame is not enough
        frame.timestamp += 0.2
        decision = agent.step(frame, probabilities)
    assert decision.state is TargetState.FOUND
    assert decision.range.source is RangeSource.DEPTH
    for point in (decision.world_point, sent(decision, ObjectDetected)[0].coords):
        assert point[:2] == pytest.approx(middle[:2], abs=0.5)
        # From above mostly head and shoulders are visible: the point lies on the target, but not at mid-height.
        assert point[2] == pytest.approx(middle[2], abs=0.5 if elevation < 45 else 0.8)


@pytest.mark.slow
@pytest.mark.parametrize("network", [160, 256])
def test_a_flight_behind_a_walking_target(scene, network):
    """A quad follows a target round a bend and misses it now and then: median error far below half a metre."""
    agent, errors = FollowAgent(), []
    rng = np.random.default_rng(3)
    for index in range(60):
        now = index * 0.2
        target = (12 * np.sin(now / 8), 12 * np.cos(now / 8), 0.0)
        middle = (target[0], target[1], 0.8)
        distance = 3 + 15 * abs(np.sin(now / 4))
        wire = scene.aim(np.add(middle, rng.normal(0, 0.5, 3)), distance, 3.5, 20 * now - 180)
        frame, probabilities = scene.take(wire, [scene.person(*target)], 1e9 + now, network=network)
        decision = agent.step(frame, EMPTY if index % 9 == 8 else probabilities)
        errors.append(np.linalg.norm(np.subtract(decision.track_point, middle)))
    assert np.median(errors) < 0.35
    assert max(errors) < 1.0


def test_found_and_lost_are_reported_once(scene):
    agent = FollowAgent()
    states, changes, lost = [], [], []
    for index in range(20):
        frame, probabilities = seen(scene, index * 0.2, target=(10.0, 0.0) if 3 <= index < 8 else None)
        decision = agent.step(frame, probabilities)
        states.append(decision.state)
        changes.append(decision.changed)
        lost += [index] * len(sent(decision, ObjectLost))
        assert bool(sent(decision, ObjectDetected)) == (3 <= index < 8)
    # Seen in frames 3 to 7; 8 to 13 are six misses in a row.
    found, gone = TargetState.FOUND, TargetState.LOST
    assert states == [TargetState.SEARCHING] * 3 + [found] * 10 + [gone] * 7
    assert [index for index, changed in enumerate(changes) if changed] == [3, 13]
    assert lost == [13]


def test_where_it_can_be_looked_for_each_frame_says_where_until_it_is_found(scene):
    """The target walks to the left at 0.5 m/s and goes out of sight; it reappears only in the second flight."""
    for reappears in (False, True):
        agent, lost = FollowAgent(AgentSettings(marker=False)), {}
        agent.can_search = True
        for index in range(60 if reappears else 150):
            now = index * 0.2
            visible = index < 10 or (reappears and index > 40)
            decision = agent.step(*seen(scene, now, target=(8.5, -4.0 + 0.5 * now) if visible else None))
            for command in sent(decision, ObjectLost):
                lost[index] = command.look_at
        first = 15  # 9 is the last sighting, and six misses in a row are a loss
        last = max(lost)
        assert list(lost) == list(range(first, last + 1))
        for index in range(first, first + 6):  # at first where it should be
            assert lost[index] == pytest.approx((8.5, -4.0 + 0.5 * 0.2 * index, 0.8), abs=1.0)
        if reappears:
            assert 40 <= last <= 42  # one frame is not always enough evidence
        else:
            assert last == 149
            heights = [place[2] for place in lost.values()]
            over = next(index for index, height in enumerate(heights) if height != heights[0])
            assert 15 < over * 0.2 < 20  # then it may be anywhere
            assert heights[over:] == pytest.approx([3.0] * (last - first + 1 - over), abs=0.2)  # over what hides people
            assert len(set(list(lost.values())[over:])) > 1


@pytest.mark.parametrize("can_search", [True, False])
def test_a_target_gone_after_a_stall_of_the_link_is_looked_for_at_once(scene, can_search):
    """QuadSim knows where it is and follows on meanwhile: there it is only missed."""
    agent = FollowAgent(AgentSettings(marker=False))
    agent.can_search = can_search
    for index in range(10):
        agent.step(*seen(scene, index * 0.2, target=(8.5, -4.0 + 0.1 * index)))
    decision = agent.step(*seen(scene, 4.0, target=None))
    (lost,) = sent(decision, ObjectLost) or [None]
    assert (decision.state, lost is not None) == (
        (TargetState.LOST, True) if can_search else (TargetState.FOUND, False)
    )
    if lost:
        assert lost.look_at == pytest.approx((8.5, -2.0, 0.8), abs=1.0)
    found = [agent.step(*seen(scene, 4.2 + 0.2 * index, target=(8.5, -1.8 + 0.1 * index))) for index in range(3)]
    assert found[-1].state is TargetState.FOUND


@pytest.mark.parametrize("takes_motion", [True, False])
def test_a_simulator_that_can_use_it_is_told_how_the_target_moves_and_when_it_was_seen(scene, takes_motion):
    agent = FollowAgent(AgentSettings(marker=False))
    agent.takes_motion = takes_motion
    for index in range(20):
        now = 0.2 * index
        decision = agent.step(*seen(scene, now, target=(12.0, -2.0 + 1.4 * now)))
    (detected,) = sent(decision, ObjectDetected)
    if not takes_motion:
        assert detected.motion is None
        return
    assert detected.motion.velocity == pytest.approx((0.0, 1.4, 0.0), abs=0.3)
    assert detected.motion.time == now


def test_behind_what_hides_it_a_target_is_looked_for_longer(scene):
    """It walks to the left and goes out of sight, behind a wall or without a reason."""

    def seconds_straight_on(hidden):
        agent = FollowAgent(AgentSettings(marker=False))
        agent.can_search = True
        wall = [scene.Block((5.5, 3.5, 0.0), (0.5, 8.0, 3.0))] if hidden else []
        for index in range(90):
            now = 0.2 * index
            decision = agent.step(*seen(scene, now, target=(8.5, -4.0 + 0.8 * now) if now < 4 else None, others=wall))
            for command in sent(decision, ObjectLost):
                if command.look_at != pytest.approx((8.5, -4.0 + 0.8 * now, 0.8), abs=1.0):
                    return now
        return None

    without = seconds_straight_on(hidden=False)
    assert 5.8 < without < 8
    assert seconds_straight_on(hidden=True) > without + 2


def test_with_a_clock_that_stands_still_the_search_ends_too(scene):
    agent = FollowAgent(AgentSettings(marker=False))
    agent.can_search = True
    for index in range(10):
        agent.step(*seen(scene, index * 0.2))
    looked = [sent(agent.step(*seen(scene, 1.8, target=None)), ObjectLost) for _ in range(150)]
    assert looked[10][0].look_at[2] == pytest.approx(0.8, abs=0.1)
    assert looked[-1][0].look_at[2] == pytest.approx(3.0, abs=0.2)  # over what hides people elsewhere


def test_a_value_of_the_network_that_is_no_number_costs_no_target(scene):
    agent = FollowAgent()
    for index in range(12):
        frame, probabilities = seen(scene, index * 0.2)
        if index == 5:
            rows, columns = np.nonzero(probabilities[..., 2] > 0.5)
            probabilities[rows[0], columns[0], 1] = np.nan
        decision = agent.step(frame, probabilities)
        assert decision.state is TargetState.FOUND


def test_a_false_positive_is_not_looked_for(scene):
    agent = FollowAgent(AgentSettings(marker=False))
    agent.can_search = True
    for index in range(5):
        agent.step(*seen(scene, index * 0.2))
    frame, probabilities = seen(scene, 1.0)
    probabilities[..., [1, 2]] = probabilities[..., [2, 1]]  # from now on, the network calls it somebody else
    lost = []
    for index in range(5, 30):
        frame.timestamp = index * 0.2
        lost += sent(agent.step(frame, probabilities), ObjectLost)
    assert len(lost) > 15
    for command in lost:  # the target is elsewhere
        assert np.linalg.norm(np.subtract(command.look_at[:2], (10.0, 0.0))) > 5


def test_nothing_is_sent_during_a_brief_miss(scene):
    agent = FollowAgent()
    for index in range(5):
        agent.step(*seen(scene, index * 0.2, target=(10.0 + 0.3 * index, 0.0)))
    frame, _ = seen(scene, 1.0)
    decision = agent.step(frame, EMPTY)
    assert decision.commands == ()
    assert (decision.detection, decision.range, decision.world_point) == (None, None, None)
    # Viewers still get the predicted position.
    assert decision.track_point == pytest.approx((11.5, 0, 0.8), abs=0.5)


def test_a_marker_keeps_its_id_moves_and_goes(scene):
    """The original chose a new id every frame and never deleted a marker."""
    agent, markers, deleted = FollowAgent(), [], []
    for index in range(30):
        target = (10.0 + 0.1 * index, 1.0) if index < 10 or index >= 20 else None
        decision = agent.step(*seen(scene, index * 0.2, target=target))
        markers += sent(decision, CreateBoxMarker)
        deleted += [(index, marker.id) for marker in sent(decision, DeleteMarker)]
        for marker in sent(decision, CreateBoxMarker):
            assert (marker.pose.x, marker.pose.y, marker.pose.z) == decision.track_point
            assert marker.dimensions == (0.7, 0.7, 2.0)
            assert marker.duration > 1 or marker.duration == -1
    first, second = {marker.id for marker in markers[:10]}, {marker.id for marker in markers[10:]}
    assert len(markers) == 20
    assert len(first) == len(second) == 1
    assert first != second
    assert all(0 <= marker.id < 2**24 for marker in markers)
    assert deleted == [(15, markers[0].id)]


def test_markers_can_be_turned_off(scene):
    agent = FollowAgent(AgentSettings(marker=False, max_missed_seconds=0.2))
    assert [type(command) for command in agent.step(*seen(scene)).commands] == [ObjectDetected]
    assert [type(command) for command in agent.step(seen(scene)[0], EMPTY).commands] == [ObjectLost]


def test_small_blobs_do_not_start_a_track_but_may_keep_it(scene):
    """The minimum area of 6 pixels is for acquisition; at the predicted position, 4 pixels are enough."""
    probabilities = EMPTY.copy()
    probabilities[128:130, 128:130] = (0, 0, 1)
    frame, _ = seen(scene, target=None)
    agent = FollowAgent()
    assert agent.step(frame, probabilities).state is TargetState.SEARCHING

    frame, large = seen(scene, 0.0, target=(45.0, 0.0))
    for index in range(5):
        frame.timestamp = index * 0.2
        state = agent.step(frame, large).state
    assert state is TargetState.FOUND
    rows, columns = np.nonzero(large[:, :, 2] > 0.5)
    few = EMPTY.copy()
    for row, column in list(zip(rows, columns, strict=True))[:4]:
        few[row, column] = (0, 0, 1)
    frame.timestamp = 1.0
    decision = agent.step(frame, few)
    assert decision.detection is not None
    # Elsewhere they are not, however long they persist.
    for index in range(6, 12):
        frame.timestamp = index * 0.2
        decision = agent.step(frame, np.roll(few, (60, 80), axis=(0, 1)))
        assert decision.detection is None
    assert decision.state is TargetState.LOST


def test_the_target_is_kept_beside_a_second_red_blob(scene):
    """Another person, nearer and larger, is briefly a false positive: the track stays with the target."""
    agent = FollowAgent()
    for index in range(20):
        impostor = [scene.person(7.0, -2.5, height=1.9)] if index in (8, 9, 15) else []
        frame, probabilities = seen(scene, index * 0.2, target=(12.0 + 0.2 * index, 1.0), others=impostor)
        decision = agent.step(frame, probabilities)
        assert decision.world_point == pytest.approx((12.0 + 0.2 * index, 1.0, 0.8), abs=0.6)


def in_a_red_coat(scene, x, y):
    """Return another person, classified as the target above the knees and as people at the head and below."""
    return [
        scene.Block((x, y, 0.0), (0.3, 0.45, 0.5), 1),
        scene.Block((x, y, 0.5), (0.3, 0.45, 0.8), 2),
        scene.Block((x, y, 1.3), (0.3, 0.45, 0.3), 1),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("distance", [4.0, 10.0, 25.0])
@pytest.mark.parametrize("network", [160, 256])
def test_a_red_coat_is_not_followed(scene, distance, network):
    """A partly matching person never becomes the target, near or far."""
    agent = FollowAgent()
    for index in range(30):
        others = in_a_red_coat(scene, distance + 0.1 * index, 0.5)
        decision = agent.step(*seen(scene, index * 0.2, target=None, others=others, network=network))
        assert decision.state is TargetState.SEARCHING
        assert decision.commands == ()


@pytest.mark.slow
def test_the_target_is_followed_beside_a_red_coat(scene):
    agent = FollowAgent()
    for index in range(20):
        others = in_a_red_coat(scene, 9.0, -2.0)
        decision = agent.step(*seen(scene, index * 0.2, target=(12.0 + 0.2 * index, 1.0), others=others))
        assert decision.world_point == pytest.approx((12.0 + 0.2 * index, 1.0, 0.8), abs=0.6)


@pytest.mark.slow
def test_a_false_positive_from_afar_is_dropped_when_seen_from_near(scene):
    """A full match until the camera is within 12 m, then a red coat: lost within a second, not followed again."""
    agent, followed, lost = FollowAgent(), [], []
    for index in range(60):
        camera = min(1.4 * index, 34.0)
        person = in_a_red_coat(scene, 40.0, 0.0) if index >= 20 else [scene.person(40.0, 0.0)]
        frame, probabilities = scene.take((camera, 0.0, 4.0, 0.0, 15.0, 0.0), person, index * 0.2)
        decision = agent.step(frame, probabilities)
        lost += [index] * len(sent(decision, ObjectLost))
        followed += [index] * bool(sent(decision, ObjectDetected))
    assert 0 < followed[0] < 5
    assert followed == list(range(followed[0], lost[0]))
    assert lost == [lost[0]]
    assert lost[0] < 25


def test_a_person_classified_as_target_in_one_frame_of_three_is_not_followed(scene):
    """An inconsistent network: the distant person is entirely target, then entirely people, and so on."""
    agent = FollowAgent()
    for index in range(40):
        wavering = scene.person(30.0, 2.0, label=2 if index % 3 == 0 else 1)
        decision = agent.step(*seen(scene, index * 0.2, target=None, others=[wavering]))
        assert decision.commands == ()


@pytest.mark.parametrize("distance", [20.0, 50.0])
def test_a_red_tree_is_not_followed(scene, distance):
    """Entirely target for the network, but five metres tall by its depth."""
    tree, agent = scene.Block((distance, 2.0, 0.0), (1.5, 1.5, 5.0), 2), FollowAgent()
    for index in range(20):
        decision = agent.step(*seen(scene, index * 0.2, target=None, others=[tree]))
        assert decision.commands == ()


def test_a_target_before_a_distant_wall_has_a_plausible_size(scene):
    """A silhouette segmented too large includes the wall behind; most of its pixels still have the target's depth."""
    wall, agent = scene.Block((40.0, 0.0, 0.0), (1.0, 60.0, 30.0)), FollowAgent()
    for index in range(4):
        frame, probabilities = seen(scene, index * 0.2, target=(15.0, 1.0), others=[wall])
        mask = cv2.dilate(probabilities[..., 2], np.ones((3, 3), np.uint8))
        decision = agent.step(frame, np.stack([1 - mask, 0 * mask, mask], axis=-1))
    assert decision.state is TargetState.FOUND
    assert decision.world_point == pytest.approx((15.0, 1.0, 0.8), abs=0.6)


class BrokenDepth:
    """A frame whose depth image turns out to be broken when it is decoded."""

    timestamp, image = 0.2, np.zeros((256, 256, 3), np.uint8)

    def __init__(self, frame):
        self.pose = self.gimbal_pose = frame.gimbal_pose

    @property
    def depth_image(self):
        raise ValueError("depth_image: truncated PNG")


def test_depth_is_decoded_only_when_needed_and_errors_propagate(scene):
    frame, probabilities = seen(scene)
    agent = FollowAgent(AgentSettings(depth_far=100.0))
    broken = BrokenDepth(frame)
    assert agent.step(broken, EMPTY).state is TargetState.SEARCHING
    with pytest.raises(ValueError, match="truncated PNG"):
        agent.step(broken, probabilities)
    # The refused frame left nothing behind.
    decision = agent.step(frame, probabilities)
    assert (decision.state, decision.changed) == (TargetState.FOUND, True)


def test_a_dropped_target_is_lost_at_once_and_may_be_found_again(scene):
    agent = FollowAgent()
    found = agent.step(*seen(scene))
    frame, probabilities = seen(scene, 0.2)
    dropped = agent.drop_target(frame)
    assert (dropped.state, dropped.changed, dropped.detection) == (TargetState.LOST, True, None)
    assert dropped.commands == (ObjectLost(), DeleteMarker(sent(found, CreateBoxMarker)[0].id))
    again = agent.drop_target(frame)
    assert (again.state, again.changed, again.commands) == (TargetState.LOST, False, ())
    assert agent.step(frame, probabilities).state is TargetState.FOUND


def test_without_a_depth_image_the_height_gives_the_range(scene):
    frame, probabilities = seen(scene)
    frame.depth_image = None
    decision = FollowAgent().step(frame, probabilities)
    assert decision.range.source is RangeSource.HEIGHT
    assert decision.world_point == pytest.approx((10.0, 0.0, 0.8), abs=1.0)


def test_the_same_frames_give_the_same_decisions(scene):
    def decide():
        agent = FollowAgent()
        return [
            [decision.commands, decision.track_point]
            for index in range(8)
            for decision in [agent.step(*seen(scene, index * 0.2, target=(10.0 + index, 0.0) if index != 4 else None))]
        ]

    assert decide() == decide()


def test_agents_share_no_state(scene):
    one, other = FollowAgent(), FollowAgent()
    one.step(*seen(scene))
    assert other.step(seen(scene)[0], EMPTY).state is TargetState.SEARCHING


def test_the_networks_output_must_have_three_classes(scene):
    with pytest.raises(ValueError, match="background, people and hero"):
        FollowAgent().step(seen(scene)[0], EMPTY[..., :2])


@pytest.mark.parametrize(
    ("brightness", "fraction", "state"),
    [
        (240, 0.96, TargetState.SEARCHING),
        (100, 0.96, TargetState.FOUND),
        (100, 0.90, TargetState.SEARCHING),
    ],
)
def test_in_the_dark_a_network_may_be_less_certain_of_the_target(scene, brightness, fraction, state):
    agent = FollowAgent(AgentSettings(marker=False))
    for index in range(10):
        frame, probabilities = seen(scene, index * 0.2, target=(8.0, 0.0))
        frame.image = np.full((256, 256, 3), brightness, np.uint8)
        target = probabilities[..., 2] > 0.5
        probabilities[target] = (0.0, 1 - fraction, fraction)
        agent.network_picture(frame)
        decision = agent.step(frame, probabilities, typical_fraction=0.998)
    assert decision.state is state


def test_the_target_stays_the_target_beside_a_person_who_is_partly_taken_for_it(scene):
    """Their pixels touch: the other person's coat is classified as target, the legs are not."""
    agent = FollowAgent()
    for number in range(40):
        others = [scene.person(6.1, 0.7, label=1)] if number >= 10 else []
        frame, probabilities = seen(scene, 0.2 * number, target=(6.0, 0.0), others=others)
        if others:
            left, top, width, height = cv2.boundingRect((probabilities[..., 1] > 0.5).astype(np.uint8))
            # The target is right of the other person in the picture, a few pixels away.
            probabilities[top + 6 : top + height // 2, left : left + width + 12] = (0.01, 0.01, 0.98)
        decision = agent.step(frame, probabilities)
    assert decision.state is TargetState.FOUND
    assert decision.world_point[:2] == pytest.approx((6.0, 0.0), abs=0.4)
