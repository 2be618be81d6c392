"""The soak benchmark: what counts as a problem, the lines of the table, and a run whose follower ends."""

import json
from dataclasses import replace

import pytest

from scripts.benchmarks import soak
from scripts.benchmarks.__main__ import main
from scripts.benchmarks.harness.bridges import STOP
from scripts.benchmarks.soak.results import Cycle, failures, growth, summarise, totals

GOOD = Cycle(
    began=0.0, ended=0.5, sent=10, answered=8, skipped=2, lost=0, served=2, reconnections=0, updates=5, recordings=2,
    swaps=0, bad_messages=50, memory=100.0, threads=7, files=11,
)  # fmt: skip


def test_cycles_without_a_problem():
    assert failures([GOOD, replace(GOOD, updates=None), replace(GOOD, recordings=None)]) == []
    assert failures([replace(GOOD, recordings=4)]) == []  # a hostile client's valid frame is recorded, too


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"answered": 0}, "no frame was answered"),
        ({"lost": 1}, "frames were neither answered nor skipped"),
        ({"reconnections": 1}, "simulators lost their connection"),
        ({"updates": 0}, "the viewer received nothing"),
        ({"recordings": 1}, "simulators were not recorded"),
    ],
)
def test_what_goes_wrong_is_reported_with_its_cycles(change, problem):
    bad = replace(GOOD, **change)
    assert failures([GOOD, bad, GOOD, bad]) == [f"{problem} (cycle 2, 4)"]


def test_the_lines_have_averages_sums_and_the_minutes_of_the_clock():
    cycles = [
        replace(GOOD, began=number, ended=number + 1, memory=100.0 + number, updates=None if number % 2 else 5)
        for number in range(12)
    ]
    rows = summarise(cycles)
    assert [row["minutes"] for row in rows][:3] == ["0.0-1.0", "0.0-2.0", "2.0-4.0"]
    assert len(rows) == 7
    assert (rows[2]["memory"], rows[2]["sent"], rows[2]["updates"]) == (102.5, 20, 5)
    assert totals(cycles)["answered"] == 96
    assert len(summarise(cycles[:2])) == 3
    assert summarise([]) == []


@pytest.mark.parametrize(
    ("last", "problem"),
    [((104, 7, 11), None), ((106, 7, 11), "memory grew"), ((100, 9, 11), "threads"), ((100, 7, 13), "files")],
)
def test_growth_is_reported(last, problem):
    parts = [(80, 7, 11), (90, 7, 11), *[(100, 7, 11)] * 4, last]  # the first cycle, then parts of the time
    rows = [dict(zip(("memory", "threads", "files"), values, strict=True)) for values in parts]
    found = growth(rows)
    assert [problem in text for text in found] == ([] if problem is None else [True])
    assert growth(rows[1:]) == []  # it was cut short


def test_a_cycle_must_be_long_enough_to_fly(capsys):
    with pytest.raises(SystemExit):
        main(["soak", "--seconds", "3"])
    assert "expected a number of at least 4, got '3'" in capsys.readouterr().err


@pytest.mark.slow
def test_what_was_measured_before_the_follower_ended_is_kept(tiny_weights, pictures, tmp_path, capsys, monkeypatch):
    run_cycle = soak.run_cycle

    def end_the_follower_before_the_third(number, participants, *rest):
        if number == 2:
            participants.follower.send(STOP)
            assert participants.follower.poll(60)  # the end of the pipe
        return run_cycle(number, participants, *rest)

    monkeypatch.setattr(soak, "run_cycle", end_the_follower_before_the_third)
    monkeypatch.setattr(soak, "SETTLE_SECONDS", 1.0)
    results = tmp_path / "soak.json"
    arguments = ["--seconds", "3", "--minutes", "0.1", "--frames", str(pictures), "--json", str(results)]
    assert main(["soak", *arguments, "--weights", tiny_weights]) == 2
    problem = "after 2 of 6 cycles: the follower does not answer: "
    printed = capsys.readouterr()
    assert problem in printed.err
    assert "bad messages" in printed.out
    written = json.loads(results.read_text())
    (problem_written,) = written["problems"]
    assert problem_written.startswith(problem)
    assert len(written["results"]) == 3  # the first cycle, and two parts of one
    assert (written["totals"]["swaps"], written["totals"]["bad_messages"]) == (1, 100)
    assert written["totals"]["answered"] > 0
    assert written["totals"]["updates"] > 0
    assert written["recordings"] == written["intact"] > 0
