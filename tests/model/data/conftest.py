"""A small packed set, shared by the tests of this package."""

import pytest

from model.data.packing import pack
from tests.model.labelled_frames import find_frames, write_dataset


@pytest.fixture(scope="package")
def dataset(tmp_path_factory):
    """Pairs and packed frames, 12 of 256x256; every third shows no hero."""
    sources = find_frames(write_dataset(tmp_path_factory.mktemp("data"), 12))
    return [each.pair for each in sources], pack(sources, tmp_path_factory.mktemp("cache"))
