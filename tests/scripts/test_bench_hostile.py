"""The benchmarks with hostile clients: a short run as a command, and what counts as growth."""

import itertools
import json

import pytest

from scripts.benchmarks.__main__ import main
from scripts.benchmarks.harness.mutations import mutated_packets
from scripts.benchmarks.soak import growth
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


@pytest.mark.parametrize(
    ("last", "problem"),
    [((104, 7, 11), None), ((106, 7, 11), "memory grew"), ((100, 9, 11), "threads"), ((100, 7, 13), "files")],
)
def test_growth_is_reported(last, problem):
    parts = [(80, 7, 11), (90, 7, 11), (100, 7, 11), last]  # the first cycle, then parts of the time
    found = growth([dict(zip(("memory", "threads", "files"), values, strict=True)) for values in parts])
    assert [problem in text for text in found] == ([] if problem is None else [True])
