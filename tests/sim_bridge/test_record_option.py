"""`follower.py --record`: mistakes are told before a model is loaded, and a bare one takes the name of the settings."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FOLLOWER = Path(__file__).resolve().parents[2] / "follower.py"


@pytest.fixture(scope="module")
def command():
    """follower.py as a module."""
    spec = importlib.util.spec_from_file_location("follower_command", FOLLOWER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("given", "name"), [(["--record"], "meadow"), (["--record", "wood"], "wood")])
def test_without_a_name_that_of_the_settings_is_taken(command, given, name):
    options = command.parse_arguments(["--set", "recording.name=meadow", *given])
    recording = command.read_settings(options).recording
    assert (recording.enabled, recording.name) == (True, name)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--record", "model_weights.h5"], "put the model before it: model_weights.h5 --record"),
        (["model_weights.h5", "--record", "a/b"], "recording.name: expected letters, digits"),
        (["--set", "recording.only=['near']"], "recording.only: expected a list of far, uncertain, moments"),
    ],
)
def test_mistakes_are_told_at_once(arguments, sentence):
    done = subprocess.run([sys.executable, str(FOLLOWER), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
