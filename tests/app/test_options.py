"""The command line of follower.py: options become settings, and errors show before a model is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.options import parse_options
from app.settings import Settings
from config.reader import override

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("option", "value", "setting"),
    [
        ("--host", "0.0.0.0", "bridge.host"),
        ("--port", 5000, "bridge.port"),
        ("--async-mode", "eventlet", "bridge.async_mode"),
        ("--threshold", 0.7, "agent.threshold"),
        ("--runtime", "keras", "model.runtime"),
        ("--device", "gpu", "model.device"),
        ("--set", "model.weights=mine.h5", "model.weights"),
    ],
)
def test_options_change_settings(option, value, setting):
    section, key = setting.split(".")
    settings = parse_options([option, str(value)]).settings
    assert str(getattr(getattr(settings, section), key)) == str(value).removeprefix("model.weights=")
    assert settings != Settings()
    assert override(settings, setting, getattr(getattr(Settings(), section), key)) == Settings()  # and nothing else


def test_without_options_the_settings_are_those_of_the_file():
    options = parse_options([])
    assert (options.settings, options.simulator_options, options.open_browser) == (Settings(), None, False)


def test_an_option_overrides_the_same_setting(tmp_path):
    (tmp_path / "mine.toml").write_text("[bridge]\nport = 1\nframe_size = 128\n")
    given = ["--config", str(tmp_path / "mine.toml"), "--set", "bridge.port=2", "--port", "3", "model.h5"]
    settings = parse_options(given).settings
    assert (settings.bridge.port, settings.bridge.frame_size, settings.model.weights) == (3, 128, "model.h5")


def test_options_after_two_dashes_are_the_simulators():
    assert parse_options(["--sim"]).simulator_options == []
    assert parse_options(["--pred_viz", "--sim", "--", "--seed", "3"]).simulator_options == ["--seed", "3"]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["--sim", "--seed", "3"], "--seed; the simulator's options come last, after --: --sim -- --seed ..."),
        (["m.h5", "--seed=3", "--sim"], "--seed=3; the simulator's options come last, after --: --sim -- --seed=3 ..."),
        (["--seed", "3"], "--seed"),
        (["--sim", "one.h5", "another.h5"], "another.h5"),
    ],
)
def test_the_simulators_options_before_the_dashes_are_refused(capsys, arguments, refusal):
    with pytest.raises(SystemExit):
        parse_options(arguments)
    assert capsys.readouterr().err.endswith(f"error: unrecognized arguments: {refusal}\n")


@pytest.mark.parametrize(("given", "name"), [(["--record"], "meadow"), (["--record", "wood"], "wood")])
def test_without_a_name_that_of_the_settings_is_used(given, name):
    recording = parse_options(["--set", "recording.name=meadow", *given]).settings.recording
    assert (recording.enabled, recording.name) == (True, name)


@pytest.mark.parametrize(
    ("text", "reasons"), [("far", ("far",)), ("far, events", ("far", "events")), ("['far']", ("far",)), ("[]", ())]
)
def test_frames_to_record_are_named_with_or_without_brackets(text, reasons):
    assert parse_options(["--set", f"recording.filter={text}"]).settings.recording.filter == reasons


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--record", "model_weights.h5"], "put the model before it: model_weights.h5 --record"),
        (["model_weights.h5", "--record", "a/b"], "recording.name: expected letters, digits"),
        (
            ["--set", "recording.filter=['near']"],
            "recording.filter: expected a list of far, uncertain, events, such as ['far'], got ['near']",
        ),
    ],
)
def test_errors_show_at_once(arguments, sentence):
    done = subprocess.run(
        [sys.executable, str(ROOT / "follower.py"), *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
