"""Reserving the address, and listening on it."""

import os

import pytest

from sim_bridge.address import AddressError, bind, listen


def test_an_address_that_cannot_be_bound_is_explained():
    with bind("127.0.0.1", 0) as first:
        listen(first)
        with pytest.raises(AddressError, match="another program uses this port"):
            bind("127.0.0.1", first.getsockname()[1])
    with pytest.raises(AddressError, match=r"cannot listen on 203\.0\.113\.1:0"):
        bind("203.0.113.1", 0)  # reserved for documentation: no machine has it
    with pytest.raises(AddressError, match=r"cannot listen on \[2001:db8::1\]:0"):
        bind("2001:db8::1", 0)  # of IPv6, also reserved


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the second bind fails already")
def test_the_address_may_be_taken_between_bind_and_listen():
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", first.getsockname()[1]) as second:
        listen(first)
        with pytest.raises(AddressError, match="another program uses this port"):
            listen(second)
