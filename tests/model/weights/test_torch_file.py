"""Arrays of PyTorch's files come back exactly; anything but arrays is refused, and nothing is executed."""

import os
import pickle

import hypothesis.extra.numpy as arrays_of
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.weights.encoders.torch_file import read_torch_file
from tests.model.weights.torch_files import write_torch_file

ARRAYS = arrays_of.arrays(
    st.sampled_from([np.dtype(np.float32), np.dtype(np.int64)]),
    arrays_of.array_shapes(min_dims=0, max_dims=4, max_side=4),
    elements=st.integers(-1000, 1000),
)


@given(st.dictionaries(st.text(), ARRAYS, max_size=3), st.randoms(use_true_random=False))
def test_arrays_come_back_whatever_the_order_of_their_memory(tmp_path_factory, arrays, random):
    ordered = {}
    for name, array in arrays.items():
        axes = random.sample(range(array.ndim), array.ndim)
        ordered[name] = np.ascontiguousarray(array.transpose(axes)).reshape(array.transpose(axes).shape)
        ordered[name] = ordered[name].transpose(np.argsort(axes))
    found = read_torch_file(write_torch_file(tmp_path_factory.mktemp("torch") / "weights.pth", ordered))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_nothing_in_a_file_is_executed(tmp_path):
    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps(Harmful(), 2))
    with pytest.raises(ValueError, match=r"asks for (posix|nt)\.mkdir"):
        read_torch_file(path)
    assert not (tmp_path / "executed").exists()


def test_damaged_and_other_files_are_errors(tmp_path):
    whole = write_torch_file(tmp_path / "weights.pth", {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)})
    content = whole.read_bytes()
    for length in range(len(content)):
        whole.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"\w"):
            read_torch_file(whole)
    with pytest.raises(ValueError, match="magic number"):
        read_torch_file(write_torch_file(tmp_path / "other.pth", {}, begin=5))
