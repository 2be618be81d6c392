"""Model files and their configurations are found by name; what is missing is reported with the nearest names."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.weights import WeightsError, find, find_weights, load_model
from model.weights.find import describe_place

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


def test_models_of_2017_are_found_where_their_students_have_them(tmp_path, monkeypatch):
    code, weights = tmp_path / "code", tmp_path / "data" / "weights"
    code.mkdir()
    weights.mkdir(parents=True)
    monkeypatch.chdir(code)
    assert find_weights("model_weights") == find.WEIGHTS_FOLDER / "model_weights.h5"
    (weights / "model_weights").touch()
    assert find_weights("model_weights").resolve() == weights / "model_weights"
    monkeypatch.chdir(tmp_path)
    assert find_weights("model_weights").resolve() == weights / "model_weights"


def test_the_place_is_said_unless_the_name_is_the_files_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = find.WEIGHTS_FOLDER / "model_weights.h5"
    assert describe_place("model_weights.h5") == f"model_weights.h5 is {shipped}"
    assert describe_place(shipped) == ""
    (tmp_path / "mine.h5").touch()
    assert describe_place("mine.h5") == ""
    assert describe_place("mine") == f"mine is {tmp_path / 'mine.h5'}"


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"something")


@pytest.mark.parametrize(
    ("files", "name", "what"),
    [
        (["m/saved_model.pb"], "m", "m is a SavedModel"),
        (["m/saved_model.pb"], "m/saved_model.pb", "is a part of a SavedModel"),
        (["m/saved_model.pb", "m/variables/variables.index"], "m/variables", "is a part of a SavedModel"),
        (["m/saved_model.pb", "m/variables/variables.index"], "m/variables/variables", "is a part of a SavedModel"),
        (
            ["m/saved_model.pb", "m/variables/variables.index"],
            "m/variables/variables.index",
            "is a part of a SavedModel",
        ),
        (["m/config.json", "m/model.weights.h5"], "m", "m is an unpacked .keras archive"),
        (["m/best.index", "m/best.data-00000-of-00001"], "m/best.data-00000-of-00001", "is a TensorFlow checkpoint"),
        (["m.tflite"], "m.tflite", "is a LiteRT model"),
        (["m.onnx"], "m.onnx", "is an ONNX model"),
    ],
)
def test_other_formats_are_one_sentence_at_once(tmp_path, monkeypatch, files, name, what):
    monkeypatch.chdir(tmp_path)
    for file in files:
        write(tmp_path / file)
    with pytest.raises(WeightsError) as error:
        load_model(name)
    assert what in str(error.value)
    assert str(error.value).endswith('or save it with Keras: model.save("model.h5").')


def test_the_models_in_a_folder_are_named(tmp_path):
    for name in ("best.h5", "last.h5", "results.csv"):
        write(tmp_path / name)
    with pytest.raises(WeightsError, match=r"is a folder; give the weights file inside it: best\.h5 or last\.h5"):
        find_weights(tmp_path)


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
