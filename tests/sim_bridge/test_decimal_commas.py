"""Numbers for a simulator whose system writes decimal commas, read as C# reads them there."""

import json
import logging
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_bridge.wire.decimal_commas import WholeNumbers

numbers = st.floats(-1e6, 1e6)


def read_in_german(text: str) -> float:
    """Read a number as .NET does in a German culture: points group digits and are skipped, a comma is the decimal."""
    return float(text.replace(".", "").replace(",", "."))


def read_in_french(text: str) -> float:
    """Read a number as .NET does in a French culture: a point is no part of a number, which counts as 0 then."""
    return 0.0 if "." in text else float(text.replace(",", "."))


@pytest.mark.parametrize("read", [float, read_in_german, read_in_french])
@given(numbers)
def test_every_culture_reads_the_same_number(read, number):
    assert math.isclose(read(WholeNumbers.dumps(number)), number, abs_tol=1e-6)


@given(st.recursive(numbers | st.integers(0, 2**24), lambda children: st.lists(children, max_size=4)))
def test_it_is_json(value):
    text = WholeNumbers.dumps(["event", {"values": value}])
    expected = json.loads(json.dumps(["event", {"values": value}]), parse_float=lambda number: round(float(number), 6))
    assert json.loads(text, parse_float=lambda number: round(float(number), 6)) == expected


@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_only_the_simulator_with_commas_gets_numbers_without_points(serve, connect, payload, caplog, async_mode):
    caplog.set_level(logging.WARNING)
    server = serve(async_mode=async_mode)
    german, english = connect(server.port), connect(server.port)
    poses = {key: payload()[key].replace(".", ",") for key in ("pose", "gimbal_pose")}
    for number in range(2):
        german.send_frame(payload(timestamp=8.25 + number) | poses | {"timestamp": f"{8 + number},25"})
        english.send_frame(payload(timestamp=8.25 + number))
        coordinates = [client.events.get(timeout=5)[1]["coords"] for client in (german, english)]
        assert coordinates[0] == pytest.approx(coordinates[1], abs=1e-6)
    theirs = [text for _, text in german.texts if text.startswith("42")]
    assert theirs
    assert not any("." in text for text in theirs)
    assert any("." in text for _, text in english.texts if text.startswith("42"))
    said = [record.getMessage() for record in caplog.records if "decimal commas" in record.getMessage()]
    assert len(said) == 1
    assert said[0].startswith(f"simulator {next(s.number for s in server.sessions if s.decimal_commas)}: ")
