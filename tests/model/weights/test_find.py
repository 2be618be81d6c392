"""Model files and their configurations are found by name; what is missing is reported with the nearest names."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.weights import WeightsError, find, find_weights, load_model

ROOT = Path(__file__).resolve().parents[3]


def test_weights_are_found_as_given_or_in_the_projects_folder(tmp_path, monkeypatch):
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "model_weights.h5").write_bytes(b"shelf")
    monkeypatch.setattr(find, "WEIGHTS_FOLDER", shelf)
    monkeypatch.chdir(tmp_path)
    assert find_weights("model_weights.h5") == find_weights("model_weights") == shelf / "model_weights.h5"
    (tmp_path / "model_weights").write_bytes(b"here")
    assert find_weights("model_weights").read_bytes() == b"here"
    assert find_weights(shelf / "model_weights") == shelf / "model_weights.h5"
    with pytest.raises(WeightsError, match=r"did you mean model_weights\.h5"):
        find_weights("modle_weights.h5")
    with pytest.raises(WeightsError, match="is a folder"):
        find_weights("shelf")
    with pytest.raises(WeightsError, match="is a folder"):
        find_weights(".")


def test_a_tensorflow_checkpoint_is_recognised(tmp_path):
    (tmp_path / "model_weights.index").write_bytes(b"")
    with pytest.raises(WeightsError, match="TensorFlow checkpoint"):
        find_weights(tmp_path / "model_weights")


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b"], ids=["none", "long", "null byte"])
def test_names_that_no_file_can_have(name):
    with pytest.raises(WeightsError):
        find_weights(name)


def test_a_missing_file_is_reported_without_waiting_for_tensorflow():
    code = "import sys; from model.weights import *\ntry: load_model('nothing')\nexcept WeightsError: pass\n"
    code += "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "config_name"),
    [
        ("model_weights", "config_model_weights"),
        ("model_weights.h5", "config_model_weights.h5"),
        ("model_weights.h5", "config_model_weights"),
        ("model_weights.h5", "config_model_weights.json"),
        ("model_weights", "config_model_weights.h5"),
        ("weights.0.25", "config_weights.0.25"),
        ("model_weights.h5", "model_weights.json"),
        ("last_model_weights", "config_model_weights"),  # the only one there
    ],
)
def test_the_configuration_is_found_beside_the_weights(legacy_files, name, config_name):
    files = legacy_files
    architecture = files.functional([files.input(), files.conv("a", "input_1")], "a")
    stored = {"a": {"a/kernel:0": np.zeros((1, 1, 3, 3)), "a/bias:0": np.zeros(3)}}
    assert load_model(files.write(architecture, stored, name=name, config_name=config_name)).name == name


def test_missing_and_broken_configurations(legacy_files, tmp_path):
    path = legacy_files.write(None, {"a": {"a/kernel:0": np.zeros(1)}})
    with pytest.raises(WeightsError, match="config_model_weights is not beside it"):
        load_model(path)
    (tmp_path / "config_model_weights").write_text('"{\\"class_name\\": \\"Mod')
    with pytest.raises(WeightsError, match="not JSON"):
        load_model(path)
