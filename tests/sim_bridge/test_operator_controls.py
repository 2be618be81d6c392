"""Operator controls: a pause sends no commands, the simulator learns of a loss afterwards, and a target is dropped."""

from types import SimpleNamespace

import numpy as np
import pytest

from follower.agent import FollowAgent
from follower.types import CreateBoxMarker, DeleteMarker, ObjectDetected, ObjectLost, Pose, TargetState
from sim_bridge.session import DROP_SECONDS, OperatorControls


class Flight:
    """A flight at 5 Hz with the target in the middle of every image, unless the test says otherwise."""

    def __init__(self):
        self.controls = OperatorControls(FollowAgent())
        self.time = 100.0
        self.override = False  # of the last frame

    def frame(self, target: bool = True):
        self.time += 0.2
        pose = Pose(0, 0, 10, 0, 0.3, 0)
        depth = np.full((256, 256), 25, np.uint8)  # 9.8 m, where the blob is as high as a person
        image = np.zeros((256, 256, 3), np.uint8)
        frame = SimpleNamespace(timestamp=self.time, pose=pose, gimbal_pose=pose, image=image, depth_image=depth)
        probabilities = np.zeros((64, 64, 3), np.float32)
        probabilities[..., 0] = 1
        if target:
            probabilities[28:37, 30:34] = 0, 0, 1
        decision, self.override = self.controls.step(frame, probabilities, 0.95)
        return decision

    def overridden(self, target: bool = True) -> bool:
        self.frame(target)
        return self.override


def kinds(decision) -> list[type]:
    return [type(command) for command in decision.commands]


def lose(flight):
    """Let the target go out of sight until it is lost; return the commands of that frame."""
    while (decision := flight.frame(target=False)).state is TargetState.FOUND:
        pass
    return decision.commands


@pytest.fixture
def flight():
    flight = Flight()
    assert flight.frame().state is TargetState.FOUND
    return flight


def test_without_a_request_the_agents_commands_are_sent(flight):
    assert kinds(flight.frame()) == [ObjectDetected, CreateBoxMarker]


def test_a_pause_sends_no_commands_and_decides_as_always(flight):
    flight.controls.paused = True
    decision = flight.frame()
    assert decision.commands == ()
    assert decision.state is TargetState.FOUND
    assert decision.detection is not None
    flight.controls.paused = False
    assert kinds(flight.frame()) == [ObjectDetected, CreateBoxMarker]


def test_a_loss_during_a_pause_is_sent_after_it(flight):
    flight.controls.paused = True
    while flight.frame(target=False).state is TargetState.FOUND:
        pass
    assert flight.frame(target=False).commands == ()
    flight.controls.paused = False
    assert kinds(flight.frame(target=False)) == [ObjectLost, DeleteMarker]
    assert flight.frame(target=False).commands == ()


@pytest.mark.parametrize("lost_before", [False, True])
def test_a_search_that_ends_during_a_pause_is_over_after_it(flight, lost_before):
    flight.controls.describe_simulator(search=True, motion=True)
    place = flight.frame().track_point
    if lost_before:
        assert lose(flight)[0].look_at is not None
    flight.controls.paused = True
    lose(flight)
    for _ in range(125):  # 25 s
        assert flight.frame(target=False).commands == ()
    flight.controls.paused = False
    commands = flight.frame(target=False).commands
    assert kinds(flight.frame(target=False)) == [ObjectLost]  # it is looked for elsewhere
    assert sum(isinstance(command, DeleteMarker) for command in commands) == (0 if lost_before else 1)
    for command in commands:
        if isinstance(command, ObjectLost):
            assert np.linalg.norm(np.subtract(command.look_at, place)) > 5


def test_after_a_drop_while_the_target_is_looked_for_nothing_is_looked_at_for_five_seconds():
    flight = Flight()
    flight.controls.describe_simulator(search=True, motion=True)
    for _ in range(10):
        (looked_at,) = flight.frame(target=False).commands
        assert looked_at.look_at is not None
    flight.controls.drop_target()
    dropped = [flight.frame(target=False).commands for _ in range(24)]
    assert dropped == [(ObjectLost(None),)] + [()] * 23
    later = [command for _ in range(5) for command in flight.frame(target=False).commands]
    assert later[-1].look_at is not None


@pytest.mark.parametrize("lost_before", [False, True])
def test_the_target_is_looked_for_where_the_simulator_says_that_people_walk(lost_before):
    """The quad hovers 30 m from there, and does not get on."""
    flight = Flight()
    flight.controls.describe_simulator(search=True, motion=True, extent=(30.0, -70.0, 70.0, 70.0))
    if lost_before:
        while flight.frame().state is not TargetState.FOUND:
            pass
        for _ in range(125):  # 25 s: the search is over
            flight.frame(target=False)
    ways = [command.look_at for _ in range(250) for command in flight.frame(target=False).commands]
    ways = [place for place in ways if np.hypot(*place[:2]) > 7]  # nearer ones are looked at from where it is
    assert len(ways) > 50
    assert min(place[0] for place in ways) > 18.0  # from there it sees people 12 m away


def test_a_simulator_that_takes_no_places_any_more_gets_none():
    flight = Flight()
    flight.controls.describe_simulator(search=True, motion=True)
    for _ in range(10):
        flight.frame(target=False)
    flight.controls.describe_simulator(search=False, motion=True)
    assert flight.frame(target=False).commands == (ObjectLost(None),)
    assert [flight.frame(target=False).commands for _ in range(100)] == [()] * 100


def test_only_the_marker_that_the_simulator_shows_is_deleted_after_a_pause(flight):
    flight.controls.describe_simulator(search=True, motion=True)
    lose(flight)
    flight.controls.paused = True
    while flight.frame().state is not TargetState.FOUND:  # another one, whose marker is not sent
        pass
    lose(flight)
    flight.controls.paused = False
    assert DeleteMarker not in kinds(flight.frame(target=False))


def test_the_loss_of_a_target_that_was_never_sent_is_not_sent():
    flight = Flight()
    flight.controls.paused = True
    flight.frame()
    while flight.frame(target=False).state is TargetState.FOUND:
        pass
    flight.controls.paused = False
    assert flight.frame(target=False).commands == ()


def test_a_dropped_target_is_lost_at_once_and_none_is_acquired_for_a_while(flight):
    flight.controls.drop_target()
    decision = flight.frame()
    assert (decision.state, decision.changed) == (TargetState.LOST, True)
    assert kinds(decision) == [ObjectLost, DeleteMarker]
    dropped_at = flight.time
    while (decision := flight.frame()).state is TargetState.LOST:
        assert decision.commands == ()
    assert flight.time - dropped_at == pytest.approx(DROP_SECONDS, abs=0.21)
    assert kinds(decision) == [ObjectDetected, CreateBoxMarker]


def test_dropping_a_target_before_one_was_found_sends_nothing():
    flight = Flight()
    flight.controls.drop_target()
    assert flight.frame().commands == ()
    assert not flight.controls.drop_requested


def test_every_influenced_decision_is_marked_as_an_override(flight):
    assert not flight.overridden()
    flight.controls.paused = True
    assert flight.overridden()
    while flight.frame(target=False).state is TargetState.FOUND:
        pass
    flight.controls.paused = False
    assert flight.overridden(target=False)  # the withheld commands are sent now
    assert not flight.overridden()
    flight.controls.drop_target()
    marked = [flight.overridden() for _ in range(30)]
    assert marked == [True] * sum(marked) + [False] * (30 - sum(marked))
    assert 0.2 * sum(marked) == pytest.approx(DROP_SECONDS, abs=0.21)


def test_a_clock_that_is_set_back_ends_the_wait_after_a_drop(flight):
    flight.controls.drop_target()
    flight.frame()
    flight.time = 10.0
    assert flight.frame().state is TargetState.FOUND
