"""A person far away who may be the target is looked at from near first, where the simulator can be asked for that."""

import numpy as np
import pytest

from follower.agent import AgentSettings, FollowAgent
from follower.types import ObjectDetected, ObjectLost, TargetState

FAR, NEAR = -25.0, -6.0  # metres to the person at the origin


def agent_that_can_search():
    agent = FollowAgent(AgentSettings(marker=False))
    agent.can_search = True
    return agent


def step(scene, agent, index, x, blocks):
    """Return the decision on frame `index` of five a second, taken 4 m up, from x, of the origin."""
    pitch = float(np.degrees(np.arctan2(3.2, -x)))
    return agent.step(*scene.take((x, 0.0, 4.0, 0.0, pitch, 0.0), blocks, 1e9 + 0.2 * index))


def places(decisions):
    return [command.look_at for each in decisions for command in each.commands if isinstance(command, ObjectLost)]


def at_person(decisions):
    """Return for each frame whether the person at the origin is looked at; otherwise, something else must be."""
    looked_at = places(decisions)
    assert len(looked_at) == len(decisions)
    return [np.linalg.norm(place[:2]) < 1.5 for place in looked_at]


def test_it_is_followed_only_after_it_was_seen_from_near(scene):
    agent, target = agent_that_can_search(), [scene.person(0.0, 0.0)]
    far = [step(scene, agent, index, FAR, target) for index in range(10)]
    assert {decision.state for decision in far} == {TargetState.SEARCHING}
    assert len(places(far)) >= 8
    for place in places(far):
        assert place[:2] == pytest.approx((0.0, 0.0), abs=1.0)
    near = [step(scene, agent, index, NEAR, target) for index in range(10, 14)]
    assert near[-1].state is TargetState.FOUND
    assert isinstance(near[-1].commands[0], ObjectDetected)


def test_a_false_positive_is_never_followed_and_something_else_is_looked_at(scene):
    """From afar only its coat is seen, which is red."""
    agent, red = agent_that_can_search(), [scene.person(0.0, 0.0)]
    coat = [scene.person(0.0, 0.0, label=1), scene.Block((-0.2, 0.0, 0.6), (0.2, 0.5, 0.5), 2)]
    decisions = [step(scene, agent, index, FAR, red) for index in range(10)]
    decisions += [step(scene, agent, index, NEAR, coat) for index in range(10, 30)]
    assert {decision.state for decision in decisions} == {TargetState.SEARCHING}
    assert all(at_person(decisions[:10])[1:])
    assert not any(at_person(decisions[20:]))


def test_somebody_who_cannot_be_reached_is_left_after_a_while(scene):
    agent, target = agent_that_can_search(), [scene.person(0.0, 0.0)]
    decisions = [step(scene, agent, index, FAR, target) for index in range(100)]
    assert 10 < 0.2 * sum(at_person(decisions)) < 15
    assert not any(at_person(decisions[75:]))  # it is looked for elsewhere then
    assert {decision.state for decision in decisions} == {TargetState.SEARCHING}


def test_it_is_approached_though_it_is_out_of_view_for_some_seconds(scene):
    agent, target = agent_that_can_search(), [scene.person(0.0, 0.0)]
    for index in range(5):
        step(scene, agent, index, FAR, target)
    hidden = [step(scene, agent, index, FAR + 0.6 * (index - 5), []) for index in range(5, 20)]
    assert len(places(hidden)) == 15
    for place in places(hidden):
        assert place[:2] == pytest.approx((0.0, 0.0), abs=1.5)
    gone = [step(scene, agent, index, FAR + 9.0, []) for index in range(20, 40)]
    assert not any(at_person(gone[10:]))


def test_a_person_passed_by_on_the_way_counts_when_it_is_the_target(scene):
    agent, far = agent_that_can_search(), scene.person(0.0, 0.0)
    for index in range(5):
        step(scene, agent, index, FAR, [far])
    on_the_way = [step(scene, agent, index, -19.0, [far, scene.person(-12.0, 1.0)]) for index in range(5, 10)]
    assert on_the_way[-1].state is TargetState.FOUND
    assert on_the_way[-1].commands[0].coords[:2] == pytest.approx((-12.0, 1.0), abs=0.5)


def test_the_followed_target_may_get_far_away(scene):
    agent, target = agent_that_can_search(), [scene.person(0.0, 0.0)]
    for index in range(20):
        step(scene, agent, index, NEAR, target)
    for index in range(20, 60):
        decision = step(scene, agent, index, max(FAR, NEAR - 0.6 * (index - 20)), target)
        assert decision.state is TargetState.FOUND


def test_quadsim_which_finds_the_target_itself_gets_a_distant_one_at_once(scene):
    agent, target = FollowAgent(AgentSettings(marker=False)), [scene.person(0.0, 0.0)]
    decisions = [step(scene, agent, index, FAR, target) for index in range(4)]
    assert decisions[-1].state is TargetState.FOUND
    assert not places(decisions)


def test_what_is_seen_on_the_way_does_not_turn_the_quad_back(scene):
    agent, red, other = agent_that_can_search(), [scene.person(0.0, 0.0)], [scene.person(0.0, 0.0, label=1)]
    coat = [*other, scene.Block((-0.2, 0.0, 0.3), (0.2, 0.5, 1.0), 2)]
    for index in range(5):
        step(scene, agent, index, FAR, red)
    on_the_way = [step(scene, agent, index, FAR + 0.4 * (index - 5), coat) for index in range(5, 30)]
    assert len(places(on_the_way)) == 25
    assert all(at_person(on_the_way))


@pytest.mark.parametrize(("x", "kept"), [(-45.0, True), (-13.0, False)])
def test_a_person_who_looks_like_another_for_a_moment_is_approached_if_too_small_to_be_sure(scene, x, kept):
    agent, target, other = agent_that_can_search(), [scene.person(0.0, 0.0)], [scene.person(0.0, 0.0, label=1)]
    for index in range(5):
        step(scene, agent, index, x, target)
    doubtful = [step(scene, agent, index, x + 0.3 * (index - 5), other) for index in range(5, 13)]
    assert all(at_person(doubtful)) == kept
