"""The benchmark of hostile clients: a short run as a command, one whose follower ends, and the changed packets."""

import itertools
import json
from collections import Counter
from contextlib import nullcontext

import pytest

from scripts.benchmarks import hostile
from scripts.benchmarks.__main__ import main
from scripts.benchmarks.harness.mutations import mutated_packets
from scripts.benchmarks.harness.simulators import FrameLog
from tests.bridge_fixtures import encode_payload


@pytest.mark.slow
def test_a_good_simulator_is_answered_beside_hostile_clients(tiny_weights, pictures, tmp_path):
    results = tmp_path / "hostile.json"
    arguments = ["--messages", "200", "--rate", "200", "--seconds", "1", "--frames", str(pictures)]
    assert main(["hostile", *arguments, "--weights", tiny_weights, "--json", str(results)]) == 0
    alone, beside = json.loads(results.read_text())["results"]
    assert alone["answered"] > 0
    assert beside["answered"] > 0
    assert beside["lost"] == beside["reconnections"] == 0


def test_changed_packets_are_the_same_for_the_same_seed():
    def first(seed: int) -> list:
        return list(itertools.islice(mutated_packets([encode_payload()], seed), 50))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_what_was_measured_before_the_follower_ended_is_kept(tmp_path, capsys, monkeypatch):
    alone = FrameLog(10, Counter(answered=9, skipped=1), [5.0] * 9)

    def fly(driver, port, meanwhile):
        if attacked:
            raise RuntimeError("the follower does not accept connections")
        attacked.append(True)
        return alone

    attacked = []
    for name, replacement in (
        ("get_frames", lambda options: []),
        ("process", lambda *arguments: nullcontext()),
        ("receive", lambda pipe: 4567),
        ("fly_good_simulator", fly),
    ):
        monkeypatch.setattr(hostile, name, replacement)
    results = tmp_path / "hostile.json"
    assert main(["hostile", "--json", str(results)]) == 2
    printed = capsys.readouterr()
    assert printed.err == "bench hostile: the follower does not accept connections\n"
    assert "alone" in printed.out
    written = json.loads(results.read_text())
    assert [row["answered"] for row in written["results"]] == [9]
    assert written["problems"] == ["the follower does not accept connections"]
