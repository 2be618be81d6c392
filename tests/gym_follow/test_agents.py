"""Agents by name, and what they answer."""

import sys
from collections import Counter

import numpy as np
import pytest

from gym_follow.agents.ours import NoMemoryAgent, OurAgent
from gym_follow.agents.registry import NAMES, check_agent, make_agent
from gym_follow.report import DETECTED, LOST, NOTHING, Report, detected, lost, search, to_report

OWN = """
class Waiting:
    def act(self, observation, info):
        return {"report": 0, "position": (0, 0, 0)}

class Mute:
    pass
"""


def observation(target: bool, time: float = 0.0):
    """The target's middle is straight ahead, 10 m away, and 16 pixels wide; or nothing is there."""
    mask = np.zeros((256, 256, 3), np.uint8)
    if target:
        mask[110:146, 120:136, 2] = 255
    level = np.array([1.0, 2.0, 3.0, 0.0, 0.0, 0.0])
    views = {"rgb": mask, "mask": mask, "depth": np.full((256, 256), 255, np.uint8)}
    views["depth"][mask[..., 2] > 0] = 25  # 255 stands for 100 m
    return {
        **views,
        "pose": level,
        "gimbal_pose": level,
        "time": np.array([time]),
        "extent": np.array([-72.0, -72.0, 72.0, 72.0]),
    }


def test_without_memory_the_largest_blob_is_reported_at_once():
    action = NoMemoryAgent(None).act(observation(True), {})
    assert action["report"] == DETECTED
    np.testing.assert_allclose(action["position"], (11.0, 2.0, 3.0), atol=0.5)


def test_without_memory_the_target_is_lost_once_after_1_2_seconds():
    agent = NoMemoryAgent(None)
    agent.act(observation(True), {})
    answers = [agent.act(observation(False, 0.2 * step), {})["report"] for step in range(1, 10)]
    assert answers == [NOTHING] * 5 + [LOST] + [NOTHING] * 3


@pytest.mark.parametrize("agent", [OurAgent, NoMemoryAgent])
def test_the_network_sees_dark_pictures_brightened(agent, monkeypatch):
    seen = []

    class Network:
        typical_fraction = 0.95

        def predict(self, images):
            seen.append(images[0])
            return np.zeros((1, 256, 256, 3), np.float32)

    monkeypatch.setattr("gym_follow.agents.frames._segmenter", lambda weights: Network())
    dark = observation(False) | {"rgb": np.full((256, 256, 3), 100, np.uint8)}
    agent("any.h5").act(dark, {})
    assert (seen[0] == 200).all()


def test_our_agent_knows_where_people_walk():
    agent = OurAgent(None)
    agent.act(observation(False) | {"extent": np.array([-9.0, -8.0, 7.0, 6.5])}, {})
    assert agent._agent.extent == (-9.0, -8.0, 7.0, 6.5)


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_an_agent(name):
    action = make_agent(name, None).act(observation(False), {"target": np.array([1.0, 2.0, 3.0])})
    assert to_report(action) == (Report((1.0, 2.0, 3.0)) if name == "scripted" else Report())


def test_an_agent_may_be_a_dataclass_and_import_what_lies_beside_it(tmp_path):
    (tmp_path / "gains.py").write_text("GAIN = 3")
    path = tmp_path / "mine.py"
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom gains import GAIN\n@dataclass"
    path.write_text(head + OWN.replace("    def act", "    gain: float = GAIN\n    def act", 1))
    assert make_agent(check_agent(f"{path}:Waiting"), None).gain == 3
    other = tmp_path / "newer"
    other.mkdir()
    (other / "gains.py").write_text("GAIN = 4")
    (other / "mine.py").write_text(path.read_text())
    assert make_agent(check_agent(f"{other / 'mine.py'}:Waiting"), None).gain == 4  # not the first one's
    path.write_text("import nothing_of_that_name")
    with pytest.raises(ValueError, match=r"mine.py imports a module that is not there: .*nothing_of_that_name"):
        check_agent(f"{path}:Waiting")


@pytest.mark.parametrize("defect", ["int('x')", "raise SystemExit(3)", "def act(:"])
def test_why_an_agents_file_cannot_be_loaded_is_said(tmp_path, defect):
    path = tmp_path / "mine.py"
    path.write_text(f"\n{defect}\n")
    with pytest.raises(ValueError, match=r"mine.py cannot be loaded:(.|\n)*mine.py\", line 2(.|\n)*(Error|Exit)"):
        check_agent(f"{path}:Waiting")


COUNTED = "import sys\nsys.executions.append(__name__)\n"  # what says that it is executed
LIBRARY = ".venv/lib/site-packages"


@pytest.mark.parametrize(
    ("on_path", "executions"),
    [
        ((LIBRARY,), {"library": 1, "library.part": 1, "beside": 2}),  # another agent may have a module of that name
        ((".", LIBRARY), {"library": 1, "library.part": 1, "beside": 1}),  # run in the agent's folder
    ],
)
def test_what_an_agent_imports_from_elsewhere_is_not_imported_again(tmp_path, monkeypatch, on_path, executions):
    library = tmp_path / LIBRARY / "library"
    library.mkdir(parents=True)
    for path in (library / "__init__.py", library / "part.py", tmp_path / "beside.py"):
        path.write_text(COUNTED)
    agent = tmp_path / "mine.py"
    agent.write_text("import beside, library.part\n" + OWN)
    monkeypatch.setattr(sys, "executions", [], raising=False)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    for place in on_path:
        monkeypatch.syspath_prepend(tmp_path / place)
    for _ in range(2):
        make_agent(f"{agent}:Waiting", None)
    assert Counter(sys.executions) == executions


def test_modules_of_a_folder_whose_name_only_begins_alike_are_kept(tmp_path, monkeypatch):
    for name in ("agent", "agent_lib"):
        (tmp_path / name).mkdir()
    (tmp_path / "agent_lib" / "beside.py").write_text(COUNTED)
    (tmp_path / "agent" / "mine.py").write_text("import beside\n" + OWN)
    monkeypatch.setattr(sys, "executions", [], raising=False)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.syspath_prepend(tmp_path / "agent_lib")
    for _ in range(2):
        make_agent(f"{tmp_path / 'agent' / 'mine.py'}:Waiting", None)
    assert sys.executions == ["beside"]


def test_an_agent_of_a_users_own_file(tmp_path):
    path = tmp_path / "my agent.py"
    path.write_text(OWN)
    name = check_agent(f"{path}:Waiting")
    assert to_report(make_agent(name, None).act({}, {})) == Report()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("best", "expected an agent .ours, no-memory, original, scripted, or FILE.py:CLASS of your own., got best"),
        ("nowhere.py:Agent", "got nowhere.py: there is no such file"),
        ("no.such.module:Agent", "expected a module or a file with an agent, got no.such.module"),
        ("FILE:Nobody", "a class Nobody with a method act.observation, info.: there is none"),
        ("FILE:Mute", "a class Mute with a method act.observation, info.: there is none"),
    ],
)
def test_what_is_no_agent_is_one_sentence(tmp_path, name, message):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    with pytest.raises(ValueError, match=message):
        check_agent(name.replace("FILE", str(path)))


def test_a_detection_may_say_how_the_target_moves():
    assert to_report(detected((1.0, 2.0, 3.0))) == Report((1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
    assert to_report(detected((1.0, 2.0, 3.0), (0.5, -1.0, 0.0))) == Report((1.0, 2.0, 3.0), (0.5, -1.0, 0.0))
    without = {"report": DETECTED, "position": np.array([1, 2, 3])}
    assert to_report(without) == Report((1.0, 2.0, 3.0), (0.0, 0.0, 0.0))


def test_a_loss_may_say_where_to_look():
    assert to_report(lost()) == Report(lost=True)
    assert to_report(search((1.0, 2.0, 3.0))) == Report(lost=True, look_at=(1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    "action",
    [
        None,
        {},
        {"report": 4, "position": (0, 0, 0)},
        {"report": 1},
        {"report": 3},
        {"report": 1.9, "position": (0, 0, 0)},
        {"report": 1, "position": (0, 0)},
        {"report": 1, "position": (0, 0, np.nan)},
        {"report": "detected", "position": (0, 0, 0)},
        {"report": 1, "position": "123"},
        {"report": 1, "position": (10**400, 0, 0)},
        {"report": 1, "position": (0, 0, 0), "velocity": (0, 0)},
        {"report": 1, "position": (0, 0, 0), "velocity": (0, 0, np.inf)},
        (1.0, 2.0, 3.0),
        np.zeros(3),
    ],
)
def test_what_is_no_action_is_one_sentence(action):
    with pytest.raises(ValueError, match=r'expected an action \{"report": 0, 1, 2 or 3'):
        to_report(action)
