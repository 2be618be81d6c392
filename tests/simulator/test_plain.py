"""The plain city stays what it was when results were measured in it: pixels and flights are held here."""

from pathlib import Path

import numpy as np
import pytest

from simulator.difficulty.levels import LEVELS
from simulator.episode import Episode
from simulator.rules import OWN, QUADSIM
from simulator.snapshots import main

KNOWN_FRAMES = Path(__file__).resolve().parents[2] / "model" / "weights" / "known_frames"
# Of the city of seed 5 after a minute: where the quad and the target are, and the sums of all people's x and y.
AFTER_A_MINUTE = {
    OWN: ((-31.289367, -8.840361, 2.961891), (-31.210609, -11.946145, 1.12), (374.843489, 751.602076)),
    QUADSIM: ((-6.236938, 1.47948, 3.119998), (-4.23117, 3.591243, 1.12), (869.956226, -931.021832)),
}


@pytest.mark.slow
def test_pictures_of_the_plain_city(tmp_path):
    """The frames on which unknown networks are tried were drawn by an earlier version, by this command."""
    options = "--count 4 --seed 5 --target-fraction 1 --far-fraction 0 --per-city 1"
    assert main([str(tmp_path), *options.split()]) == 0
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")]
    assert len(files) == 8
    for file in files:
        assert (tmp_path / file).read_bytes() == (KNOWN_FRAMES / file).read_bytes(), file


@pytest.mark.slow
@pytest.mark.parametrize("rules", AFTER_A_MINUTE, ids=["own", "like QuadSim"])
def test_a_flight_in_the_plain_city(rules):
    level, noise = LEVELS["plain"], np.random.default_rng(2)
    episode = Episode(level.city(5), people=level.people, rules=level.rules(5, rules))
    for _ in range(300):
        episode.target_detected(tuple(episode.observe().target_centre + noise.normal(0, 0.3, 3)))
        for _ in level.link(5).carry(episode, 0.2):
            raise AssertionError("nothing was sent")
    now = episode.observe()
    found = now.pose.position, now.target_centre, np.sum([(person.x, person.y) for person in now.people], axis=0)
    for values, expected in zip(found, AFTER_A_MINUTE[rules], strict=True):
        assert values == pytest.approx(expected, abs=1e-5)


def test_a_perfect_link_delivers_at_once():
    link = LEVELS["plain"].link(5)
    link.send("frame", 3.0)
    assert list(link.arrivals(3.0)) == ["frame"]
    assert list(link.arrivals(3.0)) == []
