"""The whole loop over a real websocket: simulator, bridge and agent, with a network that reads the sketch's colours."""

import numpy as np
import pytest

from follower.agent import AgentSettings, FollowAgent
from sim_bridge.server import BridgeServer
from sim_bridge.settings import BridgeSettings
from simulator.episode import Episode
from simulator.flight import Flight, FlightPlan
from simulator.link.client import Client
from simulator.types import QuadState
from simulator.world.city_generator import generate_city

pytestmark = pytest.mark.simulator


class ColourSegmenter:
    """The sketch renderer paints the target blue, others green, the rest red; JPEG blurs the edges."""

    typical_fraction = 0.95

    def predict(self, images: np.ndarray) -> np.ndarray:
        red, green, blue = (images[..., channel].astype(np.float32) for channel in range(3))
        target = (blue - np.maximum(red, green) > 60).astype(np.float32)
        people = (green - np.maximum(red, blue) > 60).astype(np.float32)
        return np.stack([1 - target - people, people, target], axis=-1)


@pytest.fixture
def bridge():
    settings = BridgeSettings(port=0)
    with BridgeServer(ColourSegmenter(), lambda: FollowAgent(AgentSettings()), settings) as server:
        yield server


@pytest.fixture
def client(bridge):
    client = Client(port=bridge.port)
    assert client.wait_connected(10)
    yield client
    client.close()


def test_the_agent_finds_the_target_and_the_quad_follows(bridge, client, renderer):
    seen = []
    Flight(Episode(generate_city(5), renderer), client, FlightPlan(duration=60, lockstep=True)).fly(seen.append)
    first = next(number for number, now in enumerate(seen) if now.state is QuadState.FOLLOW)
    settled = [now for now in seen[first + 75 :] if now.target.id == seen[first].target.id]
    assert len(settled) > 50
    distances = np.array([now.target_distance for now in settled])
    assert ((distances > 1) & (distances < 8)).mean() > 0.95
    errors = [np.linalg.norm(np.subtract(now.reported, now.target_centre)) for now in settled if now.reported]
    assert np.median(errors) < 0.6
    assert any(now.markers for now in settled)
    counts = bridge.sessions[0].counts
    assert (counts.received, counts.answered, sum(counts.refused.values())) == (300, 300, 0)


def test_two_flights_in_lockstep_are_the_same_to_the_last_digit(bridge, renderer):
    flights = []
    for _ in range(2):
        client, seen = Client(port=bridge.port), []
        Flight(Episode(generate_city(5), renderer), client, FlightPlan(duration=30, lockstep=True)).fly(seen.append)
        client.close()
        flights.append([(now.pose, now.gimbal_pose, now.state, now.reported, now.markers) for now in seen])
    assert flights[0] == flights[1]
    assert any(state is QuadState.FOLLOW for _, _, state, _, _ in flights[0])


def test_in_real_time_the_watchdog_never_fires_and_every_frame_is_answered(bridge, client, renderer):
    seen = []
    Flight(
        Episode(generate_city(5), renderer),
        client,
        FlightPlan(speed=4, duration=20, ground_truth=True),
    ).fly(seen.append)
    assert client.rejected == 0
    counts = bridge.sessions[0].counts
    assert counts.answered + counts.skipped >= counts.received - 1
    assert sum(counts.refused.values()) == 0
