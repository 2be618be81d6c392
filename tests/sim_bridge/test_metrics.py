"""Metrics for Prometheus, read with its own parser, against what clients sent and received."""

import json
import re
import sys
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from sim_bridge.session import SILENT_SECONDS

GRAFANA = Path(__file__).resolve().parents[2] / "docs" / "grafana" / "follower.json"


def read(bridge) -> dict:
    """Samples: (name, value of the only label or None) -> value."""
    answer = requests.get(f"http://127.0.0.1:{bridge.port}/metrics", timeout=10)
    assert answer.ok
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {(sample.name, next(iter(sample.labels.values()), None)): sample.value for sample in samples}


def outcomes(bridge) -> dict:
    return {label: value for (name, label), value in read(bridge).items() if name == "follower_frames_total"}


def states(bridge) -> dict:
    return {label: value for (name, label), value in read(bridge).items() if name == "follower_simulators"}


def test_everything_is_there_before_the_first_simulator(serve):
    bridge = serve()
    assert outcomes(bridge) == {"answered": 0, "skipped": 0, "refused": 0, "failed": 0}
    assert states(bridge) == {"searching": 0, "found": 0, "lost": 0}
    assert read(bridge)["follower_connections_total", None] == 0


def test_outcomes_are_those_that_clients_are_told(serve, connect, payload, slow_segmenter, eventually):
    segmenter = slow_segmenter(0.1)
    bridge = serve(segmenter)
    client = connect(bridge.port)
    for number in range(6):  # faster than the network: some are skipped
        client.send_frame(payload(), str(number))
    client.send_frame({**payload(), "rgb_image": "no image"}, "6")
    assert eventually(lambda: len(client.acknowledged) == 7)
    segmenter.predict = lambda images: 1 / 0
    client.send_frame(payload(), "7")
    assert eventually(lambda: len(client.acknowledged) == 8)
    told = [answer[0]["outcome"] for answer in client.acknowledged.values()]
    assert set(told) == {"answered", "skipped", "refused", "failed"}
    expected = {outcome: told.count(outcome) for outcome in set(told)}
    assert eventually(lambda: outcomes(bridge) == expected)
    client.close()
    assert eventually(lambda: not bridge.sessions)
    assert outcomes(bridge) == expected  # totals do not end with their simulator
    assert read(bridge)["follower_connections_total", None] == 1


def test_latencies_are_in_seconds(serve, connect, payload, slow_segmenter, eventually):
    bridge = serve(slow_segmenter(0.16))
    client = connect(bridge.port)
    for number in range(3):
        client.send_frame(payload(), str(number))
        assert eventually(lambda number=number: number in client.acknowledged)
    assert eventually(lambda: read(bridge)["follower_frame_latency_seconds_count", None] == 3)
    samples = read(bridge)
    assert 0.48 <= samples["follower_frame_latency_seconds_sum", None] < 48  # not milliseconds
    assert samples["follower_frame_latency_seconds_bucket", "0.15"] == 0
    assert samples["follower_frame_latency_seconds_bucket", "+Inf"] == 3


def test_simulators_by_state(serve, connect, payload, eventually):
    bridge = serve()
    found, lost, searching = (connect(bridge.port) for _ in range(3))
    found.send_frame(payload(brightness=200))
    lost.send_frame(payload(brightness=0))
    searching.send_frame({})  # refused: it has connected, no more
    assert eventually(lambda: states(bridge) == {"searching": 1, "found": 1, "lost": 1})
    found.send_frame(payload(brightness=0))
    assert eventually(lambda: states(bridge) == {"searching": 1, "found": 0, "lost": 2})
    lost.close()
    assert eventually(lambda: states(bridge) == {"searching": 1, "found": 0, "lost": 1})


def test_silent_simulators_and_dropped_events_are_those_of_status(serve, connect, payload, eventually):
    bridge = serve()
    connect(bridge.port).send_frame(payload())
    assert eventually(lambda: bridge.sessions and bridge.sessions[0].counts.answered)
    assert read(bridge)["follower_simulators_silent", None] == 0
    bridge.sessions[0].last_frame -= 2 * SILENT_SECONDS
    assert read(bridge)["follower_simulators_silent", None] == 1
    bridge._publisher.dropped = 3
    assert read(bridge)["follower_events_dropped_total", None] == 3
    assert bridge.status()["events_dropped"] == 3


@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_two_bridges_of_a_process_count_apart(serve, connect, payload, eventually, async_mode):
    one, other = serve(async_mode=async_mode), serve(async_mode=async_mode)
    connect(one.port).send_frame(payload())
    assert eventually(lambda: outcomes(one)["answered"] == 1)
    assert outcomes(other)["answered"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="metrics of the process are on Linux only")
def test_the_dashboard_for_grafana_asks_for_metrics_that_there_are(serve):
    panels = json.loads(GRAFANA.read_text(encoding="utf-8"))["panels"]
    asked = {name for panel in panels for target in panel["targets"] for name in metric_names(target["expr"])}
    there = {name for name, _ in read(serve())}
    assert len(asked) >= 6
    assert asked <= there
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len({panel["id"] for panel in panels}) == len(panels)


def metric_names(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:follower|process)_\w+", expression))
