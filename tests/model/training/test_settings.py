"""Settings: defaults, presets, files, and messages that help."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from config.reader import ConfigError, setting_names
from dataset.schema import Classes
from model.settings import PRESETS, TrainSettings, load_settings

FILE = Path(__file__).resolve().parents[3] / "model" / "train.toml"


def test_the_file_holds_every_setting_with_its_default():
    values = tomllib.loads(FILE.read_text(encoding="utf-8"))
    sections = {key for key, value in values.items() if isinstance(value, dict) and value}
    written = values.keys() - sections | {f"{section}.{key}" for section in sections for key in values[section]}
    assert written == set(setting_names(TrainSettings))
    assert load_settings(FILE) == TrainSettings()


def test_every_setting_in_the_file_is_annotated():
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if " = " in line and line[0] != "#"]
    assert len(lines) > 45
    assert [line for line in lines if len(line.partition("#")[2]) < 5] == []


def test_every_preset_file_is_valid():
    for file in PRESETS.glob("*.toml"):
        assert load_settings(overrides={"preset": file.stem}).preset == file.stem


def test_an_unknown_setting_gets_the_nearest_name(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[augmentation]\npaste_heros_probability = 0.1\n")
    with pytest.raises(ConfigError, match=r"mine\.toml.*paste_heros_probability; did you mean paste_hero_probability"):
        load_settings(file)
    file.write_text('batch_size = "many"\n')
    with pytest.raises(ConfigError, match="batch_size: expected a whole number, 1 or more, got 'many'"):
        load_settings(file)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("[loss]\nfalse_positive = [0.4]", r"loss\.false_positive: expected two numbers, 0 or more, got \[0\.4\]"),
        ('[loss]\nclass_weights = [1, 2, "3"]', r"loss\.class_weights: expected a number, 0 or more, for each class"),
        ("full_frame_batch_size = 0", "full_frame_batch_size: expected a whole number, 1 or more, got 0"),
        (
            "[augmentation]\ncrop = 0",
            r"augmentation\.crop: expected a number of pixels, or two: rows and columns, got 0",
        ),
        ("learning_rate = 0.0", r"learning_rate: expected a number above 0, got 0\.0"),
        (
            "[augmentation]\nzoom_range = [0.001, 2]",
            r"augmentation\.zoom_range: expected two numbers from 0\.1 to 10, .* got \[0\.001, 2\]",
        ),
        ("[augmentation]\nzoom_range = [2.0, 0.5]", r"augmentation\.zoom_range: expected .* ascending"),
        ("[augmentation]\nhero_brightness = 0", r"augmentation\.hero_brightness: expected a number above 0, got 0"),
        ("[augmentation]\njpeg_quality = 101", r"augmentation\.jpeg_quality: expected .* 0 to 100, got 101"),
        ("input_size = -64", "input_size: expected 0 or a number of pixels, or two: rows and columns, got -64"),
        ('optimizer = "sgd"', "optimizer: expected muon, adamw or adam, got 'sgd'"),
    ],
)
def test_an_impossible_value_is_named(tmp_path, setting, message):
    (tmp_path / "mine.toml").write_text(setting)
    with pytest.raises(ConfigError, match=message):
        load_settings(tmp_path / "mine.toml")


@pytest.mark.parametrize("preset", ["fcn-1", "fcn-2", "fcn-4", "fcn-5"])
def test_fine_tuning_has_half_the_learning_rate(preset):
    settings = load_settings(overrides={"preset": preset})
    assert settings.fine_tuning_learning_rate == settings.learning_rate / 2


def test_each_source_of_settings_overrides_those_before_it(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('preset = "fcn-2"\nbatch_size = 4\nepochs = 7\n')
    settings = load_settings(file, {"epochs": 9})
    assert (settings.batch_size, settings.learning_rate, settings.optimizer) == (4, 0.001, "adam")
    assert settings.epochs == 9
    stored = dataclasses.asdict(settings) | {"batch_size": 5, "learning_rate": 0.5}
    resumed = load_settings(file, stored=stored)
    assert (resumed.batch_size, resumed.learning_rate, resumed.epochs) == (4, 0.5, 7)


def test_stored_settings_of_another_type_are_rejected_in_one_sentence():
    with pytest.raises(ConfigError, match=r"loss\.false_positive: expected two numbers, 0 or more, got 0\.3"):
        load_settings(stored={"loss": {"false_positive": 0.3}})


def test_a_resumed_training_keeps_the_changes_of_its_network():
    stored = {"preset": "fcn-2", "network": {"encoders": [8, 16]}, "input_size": [64, 96]}
    settings = load_settings(stored=stored)
    assert settings.network == {"encoders": [8, 16]}
    assert settings.input_size == (64, 96)


@pytest.mark.parametrize("preset", [file.stem for file in PRESETS.glob("*.toml") if file.stem != "original"])
@pytest.mark.parametrize("names", [("other", "road"), ("sky", "road", "car", "cone")])
def test_every_preset_takes_any_number_of_classes(preset, names):
    classes = Classes(names, None, (0,) * len(names))
    weights = load_settings(overrides={"preset": preset}).loss.entropy_weights(classes)
    assert weights == (1.0,) * len(names)


def test_loss_scaling_cannot_begin_or_end_in_the_middle_of_a_training(tmp_path):
    (tmp_path / "mine.toml").write_text('mixed_precision = "mixed_float16"\n')
    with pytest.raises(ConfigError, match="mixed_precision 'auto' cannot be resumed with 'mixed_float16'"):
        load_settings(tmp_path / "mine.toml", stored={"preset": "pyramid"})
