"""The person who is followed again after a loss looks like the one who was followed before."""

import numpy as np
import pytest

from follower.agent import FollowAgent
from follower.appearance import appearance
from follower.evidence.silhouettes import Silhouette
from follower.settings import AgentSettings
from follower.types import TargetState

TARGET = [(150, 40, 30), (180, 30, 30), (70, 20, 20)]  # hair, top, trousers
LOOK_ALIKE = [(200, 190, 180), (180, 30, 30), (40, 60, 120)]
STRANGER = [(200, 190, 180), (30, 60, 160), (40, 60, 120)]
GROUND, LAWN, SQUARE, SKY = (120, 130, 110), (60, 150, 20), (170, 165, 160), (200, 210, 225)
FIRST, HIDDEN = 25, 15  # frames that the target is seen, and then hidden


def view(scene, index, colours=None, light=(1.0, 1.0, 1.0), swapped=False, aside=0.0, ground=GROUND, ahead=8.0):
    """Return frame and probabilities: somebody of these colours whom the network takes for the target.

    The ground is one colour, or that and the sky's, in the upper eighth of the picture.
    """
    blocks = [scene.person(ahead, aside)] if colours else []
    frame, probabilities = scene.take((0.0, 0.0, 3.0, 0.0, 12.0, 0.0), blocks, index * 0.2)
    ground, sky = ground if isinstance(ground[0], tuple) else (ground, ground)
    image = np.tile(np.array(ground, float), (256, 256, 1))
    image[:32] = sky
    rows, columns = np.nonzero(probabilities[..., 2] > 0.5)
    if colours:
        edges = np.quantile(np.unique(rows), [0.2, 0.55])
        image[rows, columns] = np.array(colours)[np.searchsorted(edges, rows, side="right")]
    frame.image[:] = np.clip(image * light, 0, 255).round()
    return frame, probabilities[..., [0, 2, 1]] if swapped else probabilities


def frames_until_found_again(
    scene, first, second, hidden=HIDDEN, light=(1.0, 1.0, 1.0), patience=25, grounds=(GROUND, GROUND)
):
    """Return how many frames of a second person it takes to be followed, after the first was lost out of sight."""
    before, after = grounds
    agent = FollowAgent(AgentSettings(marker=False))
    for index in range(FIRST):
        decision = agent.step(*view(scene, index, first, ground=before))
    assert decision.state is TargetState.FOUND
    for index in range(FIRST, FIRST + hidden):
        decision = agent.step(*view(scene, index, ground=after))
    assert decision.state is TargetState.LOST
    for count in range(1, patience + 1):
        if agent.step(*view(scene, FIRST + hidden + count, second, light, ground=after)).state is TargetState.FOUND:
            return count
    return None


def test_the_same_person_is_followed_again_at_once_and_one_of_other_colours_is_not(scene):
    assert frames_until_found_again(scene, TARGET, TARGET) <= 2
    assert frames_until_found_again(scene, TARGET, LOOK_ALIKE) is None


def test_after_a_pause_in_the_frames_a_person_of_other_colours_is_not_followed(scene):
    for colours, followed in ((TARGET, True), (LOOK_ALIKE, False)):
        agent = FollowAgent(AgentSettings(marker=False))
        for index in range(FIRST):
            agent.step(*view(scene, index, TARGET))
        decision = agent.step(*view(scene, FIRST + 15, colours))  # 3 s later
        assert (decision.detection is not None) is followed


@pytest.mark.parametrize(
    ("rows", "empty", "compared"),
    [
        (slice(25, 40), (), True),
        (slice(0, 15), (), False),
        (slice(0, 15), (0,), True),  # its upper row is the picture's, but not the person's
        (slice(49, 64), (), False),
        (slice(49, 64), (14,), True),
        (slice(49, 70), (), False),  # looked for beyond the picture
    ],
)
def test_a_person_whom_the_picture_cuts_off_above_or_below_is_not_compared(rows, empty, compared):
    """Where head and legs are is unknown; seen from right above, legs are below the picture."""
    mask = np.ones((15, 5), bool)
    mask[list(empty)] = False
    image = np.full((256, 256, 3), GROUND, np.uint8)
    assert (appearance(image, Silhouette(rows, slice(25, 30), mask), (64, 64)) is not None) == compared


@pytest.mark.parametrize("light", [(0.4, 0.4, 0.4), (1.3, 1.3, 1.3), (1.0, 0.85, 0.6), (0.5, 0.55, 0.7)])
def test_in_another_light_it_is_the_same_person(scene, light):
    assert frames_until_found_again(scene, TARGET, TARGET, light=light) <= 3


@pytest.mark.parametrize(
    "grounds",
    [((LAWN, SKY), (SQUARE, SKY)), (LAWN, SQUARE), (SQUARE, LAWN), ((LAWN, SKY), LAWN), (LAWN, (LAWN, SKY))],
)
def test_before_another_background_it_is_the_same_person(scene, grounds):
    """It left a lawn, or the sky left the picture: the mean colour is another, the light is not."""
    assert frames_until_found_again(scene, TARGET, TARGET, grounds=grounds) <= 3
    assert frames_until_found_again(scene, TARGET, LOOK_ALIKE, grounds=grounds) is None


@pytest.mark.parametrize(("colours", "followed"), [(TARGET, True), (STRANGER, False)])
def test_who_was_found_again_from_too_far_for_a_comparison_is_compared_when_near(scene, colours, followed):
    agent = FollowAgent(AgentSettings(marker=False))
    for index in range(FIRST):
        agent.step(*view(scene, index, TARGET))
    for index in range(FIRST, FIRST + HIDDEN):
        agent.step(*view(scene, index))
    states = []
    for index in range(60):
        ahead = max(30.0 - 0.5 * index, 6.0)
        states.append(agent.step(*view(scene, FIRST + HIDDEN + index, colours, ahead=ahead)).state)
    assert TargetState.FOUND in states[:5]
    assert (states[-1] is TargetState.FOUND) is followed
    for index in range(15):  # the first one is still the one who is remembered
        agent.step(*view(scene, 110 + index))
    found = [agent.step(*view(scene, 125 + index, TARGET)).state for index in range(3)]
    assert TargetState.FOUND in found


def test_the_memory_fades(scene):
    """After minutes out of sight, the light and the target may be others: QuadSim replaces it at the end of its way."""
    assert frames_until_found_again(scene, TARGET, LOOK_ALIKE, hidden=5 * 150) <= 6


def test_before_a_target_has_been_seen_everybody_is_as_good(scene):
    for colours in (TARGET, LOOK_ALIKE):
        assert FollowAgent().step(*view(scene, 0, colours)).state is TargetState.FOUND


def test_somebody_who_was_not_the_target_is_not_remembered(scene):
    agent = FollowAgent(AgentSettings(marker=False))
    for index in range(6):
        agent.step(*view(scene, index, LOOK_ALIKE))
    for index in range(6, 20):  # from now on, the network calls it somebody else
        decision = agent.step(*view(scene, index, LOOK_ALIKE, swapped=True))
    assert decision.state is TargetState.LOST
    for index in range(20, 50):  # and it goes away
        agent.step(*view(scene, index))
    assert agent.step(*view(scene, 50, TARGET)).state is TargetState.FOUND


def test_after_a_switch_it_is_the_new_target_that_is_remembered(scene):
    """Another person comes into view and takes over, goes out of sight before long, and comes back."""
    agent = FollowAgent(AgentSettings(marker=False))
    for index in range(30):
        agent.step(*view(scene, index, TARGET, aside=-3.8))
    for index in range(30, 42):  # somebody else, farther away than the first one can have run
        decision = agent.step(*view(scene, index, LOOK_ALIKE, aside=3.8))
    assert decision.state is TargetState.FOUND
    for index in range(42, 54):
        decision = agent.step(*view(scene, index))
    assert decision.state is TargetState.LOST
    found = [agent.step(*view(scene, index, LOOK_ALIKE, aside=3.8)).state for index in range(54, 58)]
    assert TargetState.FOUND in found
