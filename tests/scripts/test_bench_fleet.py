"""The fleet benchmark: what simulators log, the lines of the table, and a short run as a command."""

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import Pipe

import pytest
from PIL import Image

from scripts.benchmarks import fleet
from scripts.benchmarks.__main__ import main
from scripts.benchmarks.fleet import ORIGINAL, OURS, Case, describe, report, speed_up
from scripts.benchmarks.fleet.plot import plot
from scripts.benchmarks.harness.rounds import UNTHROTTLED
from scripts.benchmarks.harness.simulators import BEGIN, END, FrameLog, Group, fly_simulators

pytestmark = pytest.mark.slow


@contextmanager
def flying(port, count, hz, frames):
    """Fly simulators on a thread instead of a process of their own; yield a function that sends and awaits."""
    ours, theirs = Pipe()

    def fly():
        with suppress(EOFError):  # the test has ended
            fly_simulators(theirs, frames)

    thread = threading.Thread(target=fly, daemon=True)
    thread.start()

    def request(message):
        ours.send(message)
        assert ours.poll(20)
        return ours.recv()

    request(Group(port, range(count), hz))
    yield request
    ours.close()
    thread.join(10)


def frame_counts(bridge) -> Counter:
    """Sums of the bridge's own counters."""
    return sum(
        (
            Counter({"received": s.counts.received, "answered": s.counts.answered, "skipped": s.counts.skipped})
            for s in bridge.sessions
        ),
        Counter(),
    )


def test_simulators_log_what_the_bridge_counts(serve, payload, slow_segmenter):
    bridge = serve(slow_segmenter(0.25))
    frames = [payload(timestamp=number) for number in range(5)]
    with flying(bridge.port, 3, 20.0, frames) as request:
        time.sleep(0.5)  # a warm-up, whose frames do not count
        assert len(bridge.sessions) == 3
        before = frame_counts(bridge)
        request(BEGIN)
        time.sleep(1.5)
        counted = frame_counts(bridge) - before
        logs = request(END)
    for key, logged in (
        ("received", sum(log.sent for log in logs)),
        ("answered", sum(len(log.latencies) for log in logs)),
        ("skipped", sum(log.outcomes["skipped"] for log in logs)),
    ):
        assert logged == pytest.approx(counted[key], abs=6), key  # those of the moments before and after
    assert sum(log.outcomes["skipped"] for log in logs) > 30  # of some 90, with some 6 batches a second
    assert min(latency for log in logs for latency in log.latencies) > 250
    assert all(log.reconnections == 0 and log.silence < 3 for log in logs)


def test_unthrottled_the_next_frame_follows_the_answer(serve, payload, slow_segmenter):
    bridge = serve(slow_segmenter(0.05))
    with flying(bridge.port, 1, UNTHROTTLED, [payload(timestamp=number) for number in range(5)]) as request:
        request(BEGIN)
        time.sleep(1.0)
        (log,) = request(END)
    assert 3 < log.sent <= 20
    assert log.outcomes == {"answered": log.sent}


def test_frames_without_a_connection_are_lost(serve, payload):
    bridge = serve()
    with flying(bridge.port, 1, 20.0, [payload()]) as request:
        request(BEGIN)
        time.sleep(0.3)
        bridge.close()
        time.sleep(0.5)
        (log,) = request(END)
    assert log.outcomes["answered"] > 0
    assert log.sent > log.outcomes.total()


def test_a_line_of_the_table():
    logs = [
        FrameLog(10, Counter(answered=6, skipped=2, refused=1), [10.0] * 5 + [100.0]),
        FrameLog(10, Counter(answered=2, skipped=8), [20.0, 30.0], silence=3.5, reconnections=1),
    ]
    row = describe(Case(2, 5.0), logs, 21, cpu=0.08, memory=512.4)
    assert row == {
        "server": "ours", "simulators": 2, "pace": "5 Hz", "due": 21, "sent": 20, "answered": 8, "skipped_%": 50.0,
        "lost": 2, "least_%": 50.0, "p50": 10.0, "p99": pytest.approx(95.1), "longest": 100.0,
        "cpu": pytest.approx(10.0), "memory": 512, "reverts": 1, "reconnections": 1,
    }  # fmt: skip


def test_a_fleet_that_got_no_answers_leaves_blanks():
    row = describe(Case(1, 5.0), [FrameLog(10)], 10, cpu=1.0, memory=None)
    assert row["lost"] == 10
    assert [row[key] for key in ("p50", "p99", "longest", "least_%", "cpu", "memory")] == [None] * 6
    assert speed_up([row], 5.0) is None


def test_what_went_wrong_stands_below_the_table(capsys):
    bad = describe(Case(2, 5.0), [FrameLog(10, silence=4.0, reconnections=2), FrameLog(10)], 60, 0.1, 500)
    good = describe(Case(1, 5.0), [FrameLog(10, Counter(answered=10), [8.0] * 10)], 10, 0.1, 500)
    report([good, bad], {})
    below = capsys.readouterr().out.partition("megabytes")[2].strip()
    assert below == (
        "ours, 2 at 5 Hz: frames neither answered nor skipped: 20; simulators whose watchdog sends a following drone "
        "back to patrol: 1; connections lost: 2; frames sent: 20 of 60, this machine cannot drive so many simulators"
    )


def test_a_plot_of_fleets_without_answers(tmp_path):
    rows = [describe(Case(count, 5.0), [FrameLog(10)] * count, 10, 0.1, None) for count in (1, 4)]
    plot(rows, tmp_path / "fleet.png")
    with Image.open(tmp_path / "fleet.png") as image:
        assert image.width > 800


def test_the_original_is_compared_at_the_same_pace():
    def line(server, simulators, hz, latency):
        return describe(Case(simulators, hz, server), [FrameLog(1, Counter(answered=1), [latency])], 1, 0.1, 500)

    rows = [line(OURS, 1, 5.0, 10.0), line(ORIGINAL, 1, 5.0, 90.0), line(OURS, 2, 5.0, 1.0)]
    rows += [line(OURS, 1, UNTHROTTLED, 5.0), line(ORIGINAL, 1, UNTHROTTLED, 60.0), line(OURS, 1, 20.0, 7.0)]
    assert speed_up(rows, 5.0) == pytest.approx(9.0)
    assert speed_up(rows, UNTHROTTLED) == pytest.approx(12.0)
    assert speed_up(rows, 20.0) is None


@pytest.mark.parametrize(
    "log", [FrameLog(2, Counter(answered=2), [201.0] * 2), FrameLog(2, Counter(answered=1), [90.0])]
)
def test_an_original_that_cannot_keep_the_rate_is_not_compared(log, capsys):
    ours = FrameLog(2, Counter(answered=2), [10.0] * 2)
    rows = [describe(Case(1, 5.0, server), [each], 2, 0.1, 500) for server, each in ((OURS, ours), (ORIGINAL, log))]
    assert speed_up(rows, 5.0) is None
    report(rows, {})
    assert "the original cannot keep 5 Hz: its frames queue up, so it is not compared" in capsys.readouterr().out


def test_a_plot_that_fails_does_not_lose_the_results(tmp_path, capsys, monkeypatch):
    started = []

    def fail(rows, path):
        raise OSError("no space left")

    for name, replacement in (
        ("get_frames", lambda options: []),
        ("process", lambda target, *arguments: nullcontext(started.append(target))),
        ("receive", lambda pipe: 4567),
        ("request", lambda pipe, message: "tiny.h5"),
        ("measure", lambda case, *rest: describe(case, [FrameLog(1, Counter(answered=1), [9.0])], 1, 0.1, 500)),
        ("plot", fail),
    ):
        monkeypatch.setattr(fleet, name, replacement)
    results = tmp_path / "fleet.json"
    arguments = ["--device", "cpu", "--json", str(results), "--picture", str(tmp_path / "fleet.png")]
    assert main(["fleet", *arguments]) == 2
    assert started[0].keywords["device"] == "cpu"
    assert capsys.readouterr().err == "bench fleet: the plot could not be written: no space left\n"
    assert json.loads(results.read_text())["speed_up"] == {"5 Hz": 1.0, "unthrottled": 1.0}


def test_a_short_run_measures_fleets_and_rates(tiny_weights, pictures, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("scripts.benchmarks.fleet.WARM_UP_SECONDS", 0.5)
    results, picture = tmp_path / "fleet.json", tmp_path / "pictures" / "fleet.png"
    arguments = ["--frames", str(pictures), "--seconds", "1.5", "--simulators", "4", "1", "--rates", "20", "inf"]
    arguments += ["--servers", "ours", "--weights", tiny_weights, "--json", str(results), "--picture", str(picture)]
    assert main(["fleet", *arguments]) == 0
    rows = json.loads(results.read_text())["results"]
    lines = [(row["server"], row["simulators"], row["pace"]) for row in rows]
    assert lines == [(OURS, 1, "5 Hz"), (OURS, 1, "20 Hz"), (OURS, 1, "unthrottled"), (OURS, 4, "5 Hz")]
    for row in rows:
        assert 0 < row["answered"] <= row["sent"]
        assert 0 < row["p50"] <= row["p99"] <= row["longest"]
        assert row["cpu"] > 0
    assert rows[-1]["sent"] > rows[0]["sent"]
    with Image.open(picture) as image:
        assert image.width > 800
    printed = capfd.readouterr().out
    assert "tiny.h5, 32x32" in printed
    assert "…" not in printed  # the table fits


@pytest.mark.parametrize("option", ["--simulators", "--processes"])
def test_zero_is_rejected(option, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["fleet", option, "0"])
    assert refused.value.code == 2
    assert "expected a whole number of at least 1" in capsys.readouterr().err
