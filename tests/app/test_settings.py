"""follower.toml holds every setting with a comment; unknown and invalid settings are explained."""

import tomllib
from pathlib import Path

import pytest

from app.settings import Settings, load_settings
from config.reader import ConfigError, assign, override, setting_names
from sim_bridge.settings import BridgeSettings

FILE = Path(__file__).resolve().parents[2] / "follower.toml"


def test_the_file_holds_every_setting_with_its_default():
    values = tomllib.loads(FILE.read_text(encoding="utf-8"))
    written = {f"{section}.{key}" for section, keys in values.items() for key in keys}
    assert written == set(setting_names(Settings))
    assert load_settings(FILE) == Settings()


def test_every_setting_in_the_file_is_annotated():
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if " = " in line and line[0] != "#"]
    assert len(lines) > 15
    assert [line for line in lines if len(line.partition("#")[2]) < 10] == []


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_some_settings(tmp_path):
    path = write(tmp_path, '[agent]\nthreshold = 0.7\nmarker_color = [1, 0, 0, 0.5]\n[bridge]\nhost = "::1"\n')
    settings = load_settings(path)
    assert settings.agent.threshold == 0.7
    assert settings.agent.marker_color == (1, 0, 0, 0.5)
    assert settings.bridge == BridgeSettings(host="::1")
    assert settings.model == Settings().model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[agent]\ntreshold = 0.5", r"mine\.toml: there is no setting agent\.treshold; did you mean threshold\?"),
        ("[bridg]\nport = 1", r"there is no setting bridg; did you mean bridge\?"),
        ("[qwxyz]\nport = 1", r"there is no setting qwxyz; there are model, agent, bridge"),
        ("port = 4567", r"there is no setting port"),
        ("bridge = 3", r"bridge must be a section, \[bridge\], got 3"),
        ("[bridge]\nport = 70000", r"bridge\.port: expected a whole number from 0 to 65535, got 70000"),
        ('[bridge]\nport = "4567"', r"bridge\.port: expected a whole number"),
        ("[bridge]\nport = true", r"bridge\.port: expected a whole number"),
        (
            '[bridge]\nasync_mode = "thread"',
            r"bridge\.async_mode: expected threading or eventlet, got 'thread'; did you mean threading\?",
        ),
        ("[bridge]\nping_timeout = nan", r"bridge\.ping_timeout: expected 1 to 3600 seconds, got nan"),
        (
            '[model]\nruntime = "opnvino"',
            r"model\.runtime: expected auto, openvino, tensorflow or keras, got 'opnvino'; did you mean openvino\?",
        ),
        ('[model]\ndevice = "tpu"', r"model\.device: expected auto, cpu or gpu, got 'tpu'; did you mean gpu"),
        ('[model]\nruntime = ["openvino"]', r"model\.runtime: expected .*, got \['openvino'\]"),
        (
            '[recording]\nfilter = "far"',
            r"recording\.filter: expected a list of far, uncertain, events, such as \['far'\], got 'far'$",
        ),
        ("[agent]\nthreshold = 50", r"agent\.threshold: expected a number between 0 and 1, got 50"),
        ("[agent]\nthreshold = ", r"mine\.toml is not a TOML file"),
    ],
)
def test_errors_are_explained(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(write(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml cannot be read"):
        load_settings(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\0")
    with pytest.raises(ConfigError, match="is not a TOML file"):
        load_settings(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agent.threshold=0.25", ("agent.threshold", 0.25)),
        ("agent.marker = false", ("agent.marker", False)),
        ("agent.marker_color=[1, 0, 0, 1]", ("agent.marker_color", [1, 0, 0, 1])),
        ("bridge.host=0.0.0.0", ("bridge.host", "0.0.0.0")),
        ("model.weights=runs/a=b.h5", ("model.weights", "runs/a=b.h5")),
        ("model.weights=2024", ("model.weights", "2024")),
        ("recording.name=2024-11-21", ("recording.name", "2024-11-21")),
    ],
)
def test_assignments_on_the_command_line(text, expected):
    assert assign(Settings(), text) == override(Settings(), *expected)


def test_bad_assignments_are_explained():
    with pytest.raises(ConfigError, match=r"expected SECTION\.KEY=VALUE"):
        assign(Settings(), "agent.threshold")
    with pytest.raises(ConfigError, match=r"did you mean agent\.max_missed_seconds\?"):
        assign(Settings(), "agent.max_missed_second=3")
    with pytest.raises(ConfigError, match=r"agent\.marker: expected true or false, got 'maybe'"):
        assign(Settings(), "agent.marker=maybe")
