"""What a sweep's file may say, and how it is refused."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reader import ConfigError
from model.settings import load_settings
from model.sweep import plan as plan_module
from model.sweep.plan import read_plan, to_toml

GRID = """
[train]
data = ["train.zip"]
[settings]
preset = "fcn-2"
[space]
learning_rate = [0.1, 0.01]
loss.hero_jaccard = [0, 0.5, 1]
network = [{encoders = [8, 16], decoders = [16, 8]}, {encoders = [16, 32], decoders = [32, 16]}]
"""
EXAMPLES = sorted((Path(plan_module.__file__).parent / "examples").glob("*.toml"))


def read(tmp_path, text):
    (tmp_path / "sweep.toml").write_text(text)
    return read_plan(tmp_path / "sweep.toml")


def test_a_grid_has_every_combination_once(tmp_path):
    plan = read(tmp_path, GRID)
    combinations = [
        (each["learning_rate"], each["loss.hero_jaccard"], each["network"]["encoders"][0]) for each in plan.grid()
    ]
    assert plan.size() == len(combinations) == len(set(combinations)) == 12
    assert set(combinations) == {
        (rate, weight, width) for rate in (0.1, 0.01) for weight in (0, 0.5, 1) for width in (8, 16)
    }


def test_a_trials_settings_are_those_of_all_and_its_own(tmp_path):
    plan = read(tmp_path, GRID)
    settings = plan.settings_of({"loss.hero_jaccard": 0.5, "network.bottleneck": 12})
    assert settings == {"preset": "fcn-2", "loss": {"hero_jaccard": 0.5}, "network": {"bottleneck": 12}}


def test_a_preset_of_the_command_line_is_that_of_the_trials(tmp_path):
    text = GRID.replace('preset = "fcn-2"', "").replace(
        'data = ["train.zip"]', 'data = ["train.zip"]\npreset = "fcn-2"'
    )
    plan = read(tmp_path, text)  # whose networks are none of the default preset
    assert load_settings(overrides=plan.settings_of({})).epochs == load_settings(overrides={"preset": "fcn-2"}).epochs


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples_are_plans(file):
    assert read_plan(file).size() >= 18


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("learning_rate =", "lerning_rate =", "there is no setting lerning_rate; did you mean learning_rate?"),
        ("loss.hero_jaccard", "loss.hero_jacard", "did you mean hero_jaccard?"),
        ("[0.1, 0.01]", '["fast"]', "learning_rate: expected a number above 0, got 'fast'"),
        ("[0.1, 0.01]", "{low = 0.01, high = 0.1}", "a grid needs a list of values"),
        ("[0.1, 0.01]", "[]", "expected at least one value"),
        ("[0.1, 0.01]", "[0.1, 0.01, 0.1]", "space.learning_rate: expected each value once, got 0.1 twice"),
        ('preset = "fcn-2"', 'preset = "fcn-2"\nloss = 0.5', "loss: expected a section"),
        ("[0.1, 0.01]", "0.1", "expected a list of values or a range {low, high}, got 0.1"),
        ("decoders = [16, 8]", "decoders = [16]", "2 encoders need as many decoders, got 1"),
        ("{encoders = [8, 16]", "{widths = [8, 16]", "there is no setting widths"),
        ('"fcn-2"', '"fcn-9"', "expected one of the presets"),
        ('data = ["train.zip"]', 'minutes = 3\ndata = ["train.zip"]', "[train] cannot have minutes"),
        ('data = ["train.zip"]', 'dta = ["train.zip"]', "there is no option dta; did you mean data?"),
        ('data = ["train.zip"]', "", "[train] needs the training frames"),
    ],
)
def test_what_a_training_would_refuse_is_refused_at_once(tmp_path, old, new, message):
    assert old in GRID
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GRID.replace(old, new))
    assert message in str(caught.value)
    assert "sweep.toml" in str(caught.value)
    assert "command line" not in str(caught.value)


def test_a_range_has_fractions_where_the_setting_takes_them(tmp_path):
    text = 'sampler = "random"\n' + GRID[: GRID.index("[space]")]
    text += "[space]\nweight_decay = {low = 0, high = 1}\nbatch_size = {low = 8, high = 64}\n"
    text += "network.encoders = [[8, 16]]\nnetwork.decoders = [[16, 8]]\nnetwork.bottleneck = {low = 8, high = 32}\n"
    space = read(tmp_path, text).space
    low = {name: space[name]["low"] for name in ("weight_decay", "batch_size", "network.bottleneck")}
    assert {name: type(value) for name, value in low.items()} == {
        "weight_decay": float,
        "batch_size": int,
        "network.bottleneck": int,
    }


@pytest.mark.parametrize("values", ["{low = 2, high = 1}", "{low = 0, high = 1, log = true}", "{low = 1, hihg = 2}"])
def test_ranges_that_are_none_are_refused(tmp_path, values):
    with pytest.raises(ConfigError, match=r"low|hihg"):
        read(tmp_path, 'sampler = "tpe"\n' + GRID.replace("[0.1, 0.01]", values))


scalars = st.one_of(
    st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text(max_size=8)
)
keys = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
settings = st.dictionaries(
    keys,
    st.one_of(scalars, st.lists(scalars, max_size=3), st.dictionaries(keys, scalars, min_size=1, max_size=3)),
    max_size=4,
)


@given(settings)
def test_settings_are_written_as_toml_reads_them(values):
    assert tomllib.loads(to_toml(values)) == values
