"""What people ask of a flight: the drone is left alone while paused, and hears afterwards what it must know."""

from types import SimpleNamespace

import numpy as np
import pytest

from follower.agent import FollowAgent
from follower.types import CreateBoxMarker, DeleteMarker, ObjectDetected, ObjectLost, Pose, TargetState
from sim_bridge.operator_controls import LOOK_AWAY_SECONDS, SteeredAgent, SteeredDecision, Steering


class Flight:
    """A flight at 5 Hz in which the hero stands in the middle of every picture, unless told otherwise."""

    def __init__(self):
        self.steering = Steering()
        self.agent = SteeredAgent(FollowAgent(), self.steering)
        self.time = 100.0

    def frame(self, hero: bool = True):
        self.time += 0.2
        pose = Pose(0, 0, 10, 0, 0.3, 0)
        depth = np.full((256, 256), 28, np.uint8)  # 11 m, where the blob is as high as a person
        image = np.zeros((256, 256, 3), np.uint8)
        frame = SimpleNamespace(timestamp=self.time, pose=pose, gimbal_pose=pose, image=image, depth_image=depth)
        probabilities = np.zeros((64, 64, 3), np.float32)
        probabilities[..., 0] = 1
        if hero:
            probabilities[28:36, 30:34] = 0, 0, 1
        return self.agent.step(frame, probabilities)


def kinds(decision) -> list[type]:
    return [type(command) for command in decision.commands]


@pytest.fixture
def flight():
    flight = Flight()
    assert flight.frame().state is TargetState.FOUND
    return flight


def test_without_wishes_nothing_changes(flight):
    assert kinds(flight.frame()) == [ObjectDetected, CreateBoxMarker]


def test_paused_means_no_commands_but_all_the_rest(flight):
    flight.steering.paused = True
    decision = flight.frame()
    assert decision.commands == ()
    assert decision.state is TargetState.FOUND
    assert decision.detection is not None
    flight.steering.paused = False
    assert kinds(flight.frame()) == [ObjectDetected, CreateBoxMarker]


def test_a_loss_while_paused_is_said_afterwards(flight):
    flight.steering.paused = True
    while flight.frame(hero=False).state is TargetState.FOUND:
        pass
    assert flight.frame(hero=False).commands == ()
    flight.steering.paused = False
    assert kinds(flight.frame(hero=False)) == [ObjectLost, DeleteMarker]
    assert flight.frame(hero=False).commands == ()


def test_a_target_that_the_drone_never_knew_is_not_said_to_be_lost():
    flight = Flight()
    flight.steering.paused = True
    flight.frame()
    while flight.frame(hero=False).state is TargetState.FOUND:
        pass
    flight.steering.paused = False
    assert flight.frame(hero=False).commands == ()


def test_giving_up_is_a_loss_at_once_and_nobody_is_followed_for_a_while(flight):
    flight.steering.give_up = True
    decision = flight.frame()
    assert (decision.state, decision.changed) == (TargetState.LOST, True)
    assert kinds(decision) == [ObjectLost, DeleteMarker]
    given_up = flight.time
    while (decision := flight.frame()).state is TargetState.LOST:
        assert decision.commands == ()
    assert flight.time - given_up == pytest.approx(LOOK_AWAY_SECONDS, abs=0.21)
    assert kinds(decision) == [ObjectDetected, CreateBoxMarker]


def test_giving_up_before_anybody_was_found_says_nothing():
    flight = Flight()
    flight.steering.give_up = True
    assert flight.frame().commands == ()
    assert not flight.steering.give_up


def test_it_is_told_which_decisions_a_wish_had_its_part_in(flight):
    def steered(hero=True):
        return isinstance(flight.frame(hero), SteeredDecision)

    assert not steered()
    flight.steering.paused = True
    assert steered()
    while flight.frame(hero=False).state is TargetState.FOUND:
        pass
    flight.steering.paused = False
    assert steered(hero=False)  # what was kept back comes now
    assert not steered()
    flight.steering.give_up = True
    told = [steered() for _ in range(30)]
    assert told == [True] * sum(told) + [False] * (30 - sum(told))
    assert 0.2 * sum(told) == pytest.approx(LOOK_AWAY_SECONDS, abs=0.21)


def test_a_clock_that_is_set_back_ends_the_looking_away(flight):
    flight.steering.give_up = True
    flight.frame()
    flight.time = 10.0
    assert flight.frame().state is TargetState.FOUND
