"""`follower.py --record`: mistakes are told before a model is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLLOWER = Path(__file__).resolve().parents[2] / "follower.py"


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
