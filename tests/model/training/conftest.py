"""Small data for trainings, shared by the tests of this package."""

import pytest

from tests.model.training.train_command import write_data


@pytest.fixture(scope="package")
def data(tmp_path_factory):
    """A folder with train/, validation/ and settings.toml."""
    return write_data(tmp_path_factory.mktemp("frames"))
