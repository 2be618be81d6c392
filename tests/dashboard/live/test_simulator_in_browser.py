"""The live page in a real browser controls a real built-in simulator."""

import subprocess
import sys
import time

import numpy as np
import pytest

from sim_bridge.wire.simulator_control import SimulatorInfo
from simulator.difficulty.levels import LEVELS
from simulator.episode import Episode
from simulator.world.city_generator import generate_city
from tests.dashboard.browser import PATIENCE, slide, until


@pytest.fixture
def start_simulator():
    """Start the built-in simulator."""
    running = []

    def start(port: int, *options: str) -> None:
        command = [sys.executable, "-m", "simulator", "--port", str(port), "--ground-truth", *options]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_the_built_in_simulator_obeys_the_live_page(serve_with_dashboard, visit, start_simulator, finding_agent):
    episodes = []  # of each the frames

    class Witness(finding_agent):
        def __init__(self):
            self.frames = []
            episodes.append(self.frames)

        def step(self, frame, *network):
            self.frames.append(frame)
            return super().step(frame, *network)

    bridge = serve_with_dashboard(make_agent=Witness)
    page = visit(bridge.dashboard.address)
    start_simulator(bridge.port, "--seed", "4", "--people", "2", "--speed", "0.2")
    page.get_by_label("Speed", exact=True).wait_for(timeout=PATIENCE * 1000)
    assert page.get_attribute("#seed", "placeholder") == "5"

    def pace() -> float:
        """Return simulated seconds per second, by the simulator's own clock."""
        until(page, lambda: episodes[-1])
        first, began = episodes[-1][-1].timestamp, time.monotonic()
        page.wait_for_timeout(2000)
        return (episodes[-1][-1].timestamp - first) / (time.monotonic() - began)

    assert pace() < 0.4
    slide(page, "speed", 6)
    page.locator("#speed").dispatch_event("change")
    until(page, lambda: bridge.sessions[0].simulator_info.speed == 6)
    until(page, lambda: pace() > 0.8)  # a busy machine may not get to 6, or even to 2
    slide(page, "speed", 2)
    page.locator("#speed").dispatch_event("change")
    until(page, lambda: bridge.sessions[0].simulator_info.speed == 2)

    page.fill("#seed", "9")
    page.fill("#people", "3")
    assert page.input_value("#difficulty") == "plain"
    page.select_option("#difficulty", "crowd")
    page.get_by_role("button", name="New episode").click()
    page.locator("#seed[placeholder='10']").wait_for(timeout=PATIENCE * 1000)
    assert [session.simulator_info for session in bridge.sessions] == [  # it keeps its speed
        SimulatorInfo(9, 3, 2, "crowd", tuple(LEVELS), search=True, motion=True, extent=(-72.0, -72.0, 72.0, 72.0))
    ]
    until(page, lambda: episodes[-1])
    starts = [Episode(generate_city(seed), people=3).observe().target for seed in (4, 9)]
    assert np.hypot(starts[0].x - starts[1].x, starts[0].y - starts[1].y) > 20
    for frames, start, other in zip(episodes, starts, reversed(starts), strict=True):
        x, y, _ = frames[0].ground_truth_target  # it has walked on until the first frame arrived, at 3 m/s
        assert np.hypot(x - start.x, y - start.y) < np.hypot(x - other.x, y - other.y)
    page.get_by_role("tab", name="simulator 2").wait_for()
    until(page, lambda: page.get_attribute("#camera-view", "data-frame") is not None)
    page.get_by_text("new episode: seed 9, 3 people, crowd").wait_for()
