"""`follower.py --record`: errors show before a model is loaded, and without a name that of the settings is used."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.options import parse_options

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("given", "name"), [(["--record"], "meadow"), (["--record", "wood"], "wood")])
def test_without_a_name_that_of_the_settings_is_used(given, name):
    recording = parse_options(["--set", "recording.name=meadow", *given]).settings.recording
    assert (recording.enabled, recording.name) == (True, name)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--record", "model_weights.h5"], "put the model before it: model_weights.h5 --record"),
        (["model_weights.h5", "--record", "a/b"], "recording.name: expected letters, digits"),
        (["--set", "recording.filter=['near']"], "recording.filter: expected a list of far, uncertain, events"),
    ],
)
def test_errors_show_at_once(arguments, sentence):
    done = subprocess.run(
        [sys.executable, str(ROOT / "follower.py"), *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
