import argparse
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.numbers import real_number, whole_number


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(0, 50))
def test_a_whole_number_is_taken_if_it_lies_in_the_range(value: int, low: int, width: int) -> None:
    parse = whole_number(low, low + width)
    if value in range(low, low + width + 1):
        assert parse(str(value)) == value
    else:
        with pytest.raises(
            argparse.ArgumentTypeError, match=f"whole number from {low} to {low + width}, got '{value}'"
        ):
            parse(str(value))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_finite_and_lies_in_the_range(value: float) -> None:
    if math.isfinite(value) and value >= 0.5:
        assert real_number(0.5)(repr(value)) == value
    else:
        with pytest.raises(argparse.ArgumentTypeError, match=r"expected a number of at least 0\.5, got"):
            real_number(0.5)(repr(value))


@pytest.mark.parametrize("text", ["", "many", "1.5", "1e3", "0x10", "--"])
def test_other_text_is_no_whole_number(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number of at least 1, got"):
        whole_number(1)(text)
