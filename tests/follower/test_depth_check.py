"""Depth images that contradict the picture: the target is followed by its apparent size, and that is said once."""

import dataclasses
import functools

import numpy as np
import pytest

from follower.agent import AgentSettings, FollowAgent
from follower.types import RangeSource, TargetState

CAMERA = (0.0, 0.0, 3.0, 0.0, 15.0, 0.0)  # at the origin, 3 m up, looks along x and a little down
TARGET = (9.0, 1.0)


@pytest.fixture(scope="module")
def view(scene):
    """Return a function that renders the target and others as seen from CAMERA, once for each set of arguments."""

    @functools.cache
    def render(*others, target=TARGET, far=100.0):
        return scene.take(CAMERA, [*([scene.person(*target)] if target else []), *others], far=far)

    return render


def fly(view, depth, agent=None, frames=20, start=0, rate=5):
    """Return the decisions on a target in plain view, from frame `start` on; `depth` makes the depth images."""
    agent, decisions = agent or FollowAgent(), []
    for index in range(start, start + frames):
        frame, probabilities = view()
        shown = dataclasses.replace(frame, timestamp=1e9 + index / rate, depth_image=depth(index))
        decisions.append(agent.step(shown, probabilities))
    return decisions


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def constant(value):
    return lambda index: np.full((256, 256), value, np.uint8)


def noise(index):
    return np.random.default_rng(index).integers(0, 256, (256, 256)).astype(np.uint8)


@pytest.fixture(scope="module")
def wrong(scene, view):
    """Depth images that do not belong to the picture, by kind: functions of the frame's number."""
    right = view()[0].depth_image
    walls = [scene.Block((x, y, 0.0), (4.0, 4.0, 12.0)) for x in (15.0, 30.0) for y in (-12.0, 0.0, 12.0)]
    _, elsewhere = scene.render((3.0, -2.0, 9.0, 0.0, 25.0, 40.0), walls)
    z_buffer = np.round(255 * np.clip(1 - 0.3 / np.maximum(right * (100 / 255), 0.3), 0, 1)).astype(np.uint8)
    return {
        "ground without people": lambda index: view(target=None)[0].depth_image,
        "another place": lambda index: elsewhere,
        "all at 4 m": constant(10),
        "all at 40 cm": constant(1),
        "all at 50 m": constant(128),
        "all at 98 m": constant(250),
        "noise": noise,
        "z-buffer": lambda index: z_buffer,
        "inverted": lambda index: 255 - right,
    }


KINDS = ("ground without people", "another place", "all at 4 m", "all at 40 cm", "all at 50 m", "all at 98 m", "noise")


@pytest.mark.parametrize("kind", [*KINDS, "z-buffer", "inverted"])
def test_the_target_is_followed_by_its_size_where_depth_contradicts_it(view, wrong, kind, caplog):
    decisions = fly(view, wrong[kind])
    assert all(decision.state is TargetState.FOUND for decision in decisions[6:])
    for decision in decisions[8:]:
        assert decision.range.source is RangeSource.HEIGHT
        assert decision.world_point[:2] == pytest.approx(TARGET, abs=0.8)
    assert len(warnings(caplog)) == 1
    assert "ranging by apparent size" in warnings(caplog)[0]


@pytest.mark.parametrize("kind", ["all at 50 m", "noise", "all at 40 cm"])
@pytest.mark.parametrize("rate", [10, 30])
def test_it_takes_as_long_at_other_frame_rates(view, wrong, kind, rate):
    decisions = fly(view, wrong[kind], frames=2 * rate, rate=rate)
    assert all(decision.state is TargetState.FOUND for decision in decisions[round(1.4 * rate) :])


def test_a_target_stays_found_when_the_depth_images_break_and_recover(view, caplog):
    agent, right = FollowAgent(), view()[0].depth_image
    sources, start = [], 0
    for depth in (lambda index: right, constant(128), lambda index: right, constant(1)):
        decisions = fly(view, depth, agent, 15, start)
        start += 15
        sources.append(decisions[-1].range.source)
        assert all(decision.state is TargetState.FOUND for decision in decisions[1:])
        assert all(decision.world_point is not None for decision in decisions[1:])
    assert sources == [RangeSource.DEPTH, RangeSource.HEIGHT] * 2
    assert len(warnings(caplog)) == 1


def test_a_single_broken_depth_image_changes_nothing(view, caplog):
    right = view()[0].depth_image
    decisions = fly(view, lambda index: constant(1)(index) if index in (7, 15) else right)
    for decision in decisions[1:]:
        assert decision.track_point[:2] == pytest.approx(TARGET, abs=0.6)
    assert decisions[-1].range.source is RangeSource.DEPTH
    assert not warnings(caplog)


@pytest.mark.parametrize(("configured", "real"), [(100.0, 500.0), (500.0, 100.0), (100.0, 50.0), (50.0, 100.0)])
def test_a_depth_far_of_another_build_is_survived_and_said_once(view, configured, real, caplog):
    agent = FollowAgent(AgentSettings(depth_far=configured))
    decisions = fly(view, lambda index: view(far=real)[0].depth_image, agent)
    assert all(decision.state is TargetState.FOUND for decision in decisions[6:])
    assert decisions[-1].world_point[:2] == pytest.approx(TARGET, abs=0.8)
    [message] = warnings(caplog)
    assert 'set agent.depth_far to "auto"' in message


@pytest.mark.parametrize("missing", [0, 255])
def test_missing_depth_is_no_contradiction(view, missing, caplog):
    decisions = fly(view, constant(missing))
    assert all(decision.state is TargetState.FOUND for decision in decisions[1:])
    assert not warnings(caplog)


def test_a_person_behind_a_hedge_is_too_short_for_a_depth_that_is_right(scene, view, caplog):
    agent, hedge = FollowAgent(), scene.Block((6.0, 0.0, 0.0), (0.5, 8.0, 1.5))
    frame, probabilities = view(hedge)
    for index in range(20):
        decision = agent.step(dataclasses.replace(frame, timestamp=index * 0.2), probabilities)
    assert decision.range.source is RangeSource.DEPTH
    assert decision.world_point[:2] == pytest.approx(TARGET, abs=0.6)
    assert not warnings(caplog)


def test_a_red_tree_is_too_tall_for_a_depth_that_is_right(scene, view, caplog):
    agent, tree = FollowAgent(), scene.Block((20.0, 2.0, 0.0), (1.5, 1.5, 5.0), 2)
    frame, probabilities = view(tree, target=None)
    for index in range(40):
        assert agent.step(dataclasses.replace(frame, timestamp=index * 0.2), probabilities).commands == ()
    assert not warnings(caplog)


@pytest.mark.parametrize(
    ("camera", "neighbours"),
    [
        ((-3.42, 0.0, 2.64, 0.0, 28.33, 0.0), ((1.10, 0.40), (1.18, -0.09))),
        ((-2.61, 0.0, 3.16, 0.0, 42.12, 0.0), ((0.55, -0.29), (0.62, 0.18))),
        ((-2.18, 0.0, 2.88, 0.0, 43.76, 0.0), ((1.02, -0.35), (0.93, 0.16))),
    ],
)
def test_a_target_behind_others_of_its_group_contradicts_nothing(scene, camera, neighbours, caplog):
    """They hide its feet and a side, so that what is left is too short and does not stand out in the depth."""
    agent, target = FollowAgent(), scene.person(0.0, 0.0)
    others = [scene.person(-nearer, aside, label=1) for nearer, aside in neighbours]
    for index in range(30):
        decision = agent.step(*scene.take(camera, [target, *(others if index >= 20 else [])], 1e9 + index * 0.2))
        assert (decision.state is TargetState.FOUND) >= (index >= 1)
    assert decision.range.source is RangeSource.DEPTH
    assert decision.world_point[:2] == pytest.approx((0.0, 0.0), abs=0.4)
    assert not warnings(caplog)


def test_much_agreement_outweighs_a_second_of_contradiction(view, caplog):
    right = view()[0].depth_image
    decisions = fly(view, lambda index: constant(1)(index) if 20 <= index < 25 else right, frames=30)
    assert decisions[25].range.source is RangeSource.DEPTH
    assert not warnings(caplog)
