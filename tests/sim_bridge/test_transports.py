"""What the transports add to the libraries they use."""

import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_bridge.transports import AddressError, _unmask, bind, listen


@given(st.binary(max_size=300), st.tuples(*[st.integers(0, 255)] * 4), st.integers(0, 1000))
def test_unmasking_is_exclusive_or(data, mask, offset):
    expected = bytes(byte ^ mask[(offset + index) % 4] for index, byte in enumerate(data))
    assert _unmask(data, mask, len(data), offset) == expected


@pytest.mark.slow
@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_a_flood_starves_neither_pings_nor_commands(serve, connect, payload, slow_segmenter, async_mode):
    server = serve(slow_segmenter(0.05), async_mode=async_mode)
    client = connect(server.port)
    text = "42" + json.dumps(["sensor_frame", payload() | {"padding": "x" * 60_000}])
    began, sent = time.perf_counter(), 0
    while time.perf_counter() - began < 2.5:  # as fast as the socket takes it
        client.send(text, fragment=2**20)
        sent += 1
    during = [text for moment, text in client.texts if moment < began + 2.5]
    assert sent > 100
    assert during.count("2") >= 2
    assert client.events.qsize() > 10


def test_an_address_that_cannot_be_bound_is_explained():
    with bind("127.0.0.1", 0) as first:
        listen(first)
        with pytest.raises(AddressError, match="another program uses this port"):
            bind("127.0.0.1", first.getsockname()[1])
    with pytest.raises(AddressError, match=r"cannot listen on 203\.0\.113\.1:0"):
        bind("203.0.113.1", 0)  # reserved for documentation: no machine has it


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the second bind fails already")
def test_the_address_may_be_taken_between_bind_and_listen():
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", first.getsockname()[1]) as second:
        listen(first)
        with pytest.raises(AddressError, match="another program uses this port"):
            listen(second)
