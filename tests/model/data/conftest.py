"""A small packed set, shared by the tests of this package."""

import pytest

from dataset.pairs import find_pairs
from model.data.packing import pack
from tests.model.labelled_frames import write_dataset


@pytest.fixture(scope="package")
def dataset(tmp_path_factory):
    """Pairs and packed frames, 12 of 256x256; every third shows no hero."""
    pairs = find_pairs(write_dataset(tmp_path_factory.mktemp("data"), 12))[0]
    return pairs, pack(pairs, tmp_path_factory.mktemp("cache"))
