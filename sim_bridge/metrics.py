"""Metrics of a bridge in Prometheus' format, for a monitor that reads them every few seconds."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, get_args

import flask
import prometheus_client
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from follower.types import TargetState
from sim_bridge.session import Session

Outcome = Literal["answered", "skipped", "refused", "failed"]

LATENCY_BUCKETS = (0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5)  # seconds


class Metrics:
    """Counts since the start, over all simulators, and how many there are now. From any thread.

    Nothing is labelled by simulator: each connection would leave series behind in the monitor for good.
    """

    def __init__(self, sessions: Callable[[], Iterable[Session]], events_dropped: Callable[[], int]) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        self._registry.register(_Now(sessions, events_dropped))
        prometheus_client.ProcessCollector(registry=self._registry)
        self._connections = prometheus_client.Counter(
            "follower_connections_total", "Simulators that have connected.", registry=self._registry
        )
        frames = prometheus_client.Counter(
            "follower_frames_total", "Frames by outcome, as in /status.", ["outcome"], registry=self._registry
        )
        self._frames = {outcome: frames.labels(outcome) for outcome in get_args(Outcome)}  # 0 from the start
        self._latency = prometheus_client.Histogram(
            "follower_frame_latency_seconds",
            "Time from the arrival of an answered frame until its commands have been sent.",
            registry=self._registry,
            buckets=LATENCY_BUCKETS,
        )

    def count_connection(self) -> None:
        """Count a simulator that connects."""
        self._connections.inc()

    def count_frame(self, outcome: Outcome) -> None:
        """Count a frame that was not answered."""
        self._frames[outcome].inc()

    def count_answer(self, seconds: float) -> None:
        """Count an answered frame with its latency."""
        self._frames["answered"].inc()
        self._latency.observe(seconds)

    def response(self) -> flask.Response:
        """Return the answer to /metrics."""
        return flask.Response(
            prometheus_client.generate_latest(self._registry), content_type=prometheus_client.CONTENT_TYPE_LATEST
        )


class _Now(Collector):
    """What the bridge knows anyway, read when it is asked for."""

    def __init__(self, sessions: Callable[[], Iterable[Session]], events_dropped: Callable[[], int]) -> None:
        self._sessions, self._events_dropped = sessions, events_dropped

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        sessions = list(self._sessions())
        states = Counter(session.state for session in sessions)
        by_state = GaugeMetricFamily(
            "follower_simulators", "Simulators connected now, by the state of the target.", labels=["state"]
        )
        for state in TargetState:
            by_state.add_metric([state.value], states[state])
        yield by_state
        silent = sum(session.silent_seconds > 0 for session in sessions)
        yield GaugeMetricFamily("follower_simulators_silent", "Simulators without a frame for five seconds.", silent)
        dropped = self._events_dropped()
        yield CounterMetricFamily("follower_events_dropped_total", "Events that a subscriber has missed.", dropped)
