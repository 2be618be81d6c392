"""`follower.py --record`: mistakes are told before a model is loaded, and a bare one takes the name of the settings."""

import subprocess
import sys
from pathlib import Path

import pytest

from app import main as command

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("given", "name"), [(["--record"], "meadow"), (["--record", "wood"], "wood")])
def test_without_a_name_that_of_the_settings_is_taken(given, name):
    options = command.parse_arguments(["--set", "recording.name=meadow", *given])
    recording = command.read_settings(options).recording
    assert (recording.enabled, recording.name) == (True, name)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--record", "model_weights.h5"], "put the model before it: model_weights.h5 --record"),
        (["model_weights.h5", "--record", "a/b"], "recording.name: expected letters, digits"),
        (["--set", "recording.filter=['near']"], "recording.filter: expected a list of far, uncertain, events"),
    ],
)
def test_mistakes_are_told_at_once(arguments, sentence):
    done = subprocess.run(
        [sys.executable, str(ROOT / "follower.py"), *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
