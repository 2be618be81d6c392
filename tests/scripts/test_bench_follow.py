"""The follow benchmark as a command: flights too short for a detection, a folder of flights, and errors."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from scripts.benchmarks.__main__ import main
from scripts.benchmarks.follow.report import print_figures
from tests.gym_follow.moments import flight, moment, searching

pytestmark = pytest.mark.slow


def no_number(name):
    raise AssertionError(f"{name} is not JSON")


SHORT = ["--perfect", "--seconds", "1", "--people", "0", "--processes", "1", "--agents", "scripted"]


def test_flights_without_a_detection_leave_blanks_in_valid_json(tmp_path, capsys):
    flight = ["--episodes", "1", "--seconds", "1", "--people", "0", "--processes", "1", "--agents", "ours"]
    assert main(["follow", "--perfect", *flight, "--out", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "follow.json").read_text(), parse_constant=no_number)
    ours = content["difficulties"]["plain"]["ours"]
    assert ours["overall"]["first_detection"] is None
    assert ours["episodes"]["100"]["position_error_p95_by_range"] == [None] * 5
    assert ours["field"]["reacquisition_time"] == {"value": None, "low": None, "high": None}
    printed = capsys.readouterr().out
    assert "p95 at 20-50 m, m" in printed
    assert "ours: not followed to the end with seeds 100" in printed
    assert (tmp_path / "follow_plain.png").stat().st_size > 1000


def test_a_folder_of_flights_is_continued_and_never_replaced(tmp_path, capsys):
    folder = ["--out", str(tmp_path)]
    assert main(["follow", *SHORT, "--episodes", "1", *folder]) == 0
    first = tmp_path / "flights" / "plain" / "scripted" / "100.jsonl"
    before = first.stat().st_mtime_ns
    assert len(first.read_text().splitlines()) == 1 + 5

    assert main(["follow", *SHORT, "--episodes", "2", *folder]) == 2
    assert "has flights already: add --resume to keep them" in capsys.readouterr().err

    assert main(["follow", *SHORT, "--episodes", "2", "--seconds", "2", *folder, "--resume"]) == 2
    assert "100.jsonl: expected a flight with seconds 2.0, this one has 1.0" in capsys.readouterr().err

    assert main(["follow", *SHORT, "--episodes", "2", *folder, "--resume"]) == 0
    assert first.stat().st_mtime_ns == before
    assert sorted(path.name for path in first.parent.iterdir()) == ["100.jsonl", "101.jsonl"]
    figures = json.loads((tmp_path / "follow.json").read_text())["difficulties"]["plain"]["scripted"]
    assert list(figures["episodes"]) == ["100", "101"]


WRITER = """
class Writer:
    def act(self, observation, info):
        for values in observation.values():
            values[...] = 0
        return {"report": 1, "position": info["target"]}
"""


def test_an_agent_may_write_into_what_it_sees(tmp_path):
    path = tmp_path / "writer.py"
    path.write_text(WRITER)
    flown = ["--episodes", "1", "--seconds", "2", "--people", "0", "--processes", "1", "--agents", f"{path}:Writer"]
    assert main(["follow", "--perfect", *flown, "--out", str(tmp_path / "out")]) == 0


FAILING = """
class Failing:
    def act(self, observation, info):
        return observation["depth"] @ observation["pose"]
"""


@pytest.mark.parametrize("call", ["act", "__init__"])
def test_an_agent_that_exits_is_an_error_that_says_where(tmp_path, capsys, call):
    path = tmp_path / "mine.py"
    path.write_text(f"class Leaving:\n    def act(self, *given): ...\n    def {call}(self, *given):\n        exit(0)\n")
    assert main(["follow", *SHORT, f"{path}:Leaving", "--episodes", "1", "--processes", "1"]) == 2
    error = capsys.readouterr().err
    assert f"the agent {path}:Leaving failed in the flight plain, seed 100:" in error
    assert 'mine.py", line 4' in error


def test_an_error_of_a_users_agent_says_where(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(FAILING)
    assert main(["follow", *SHORT, f"{path}:Failing", "--episodes", "1", "--processes", "1"]) == 2
    error = capsys.readouterr().err
    assert f"the agent {path}:Failing failed in the flight plain, seed 100:" in error
    assert 'mine.py", line 4, in act' in error


def test_in_a_narrow_terminal_the_table_is_complete():
    logs = {seed: flight((300, moment, {})) for seed in (1, 2)}
    console = Console(file=io.StringIO(), width=80)
    print_figures(console, "plain", {agent: logs for agent in ("ours", "original", "no-memory")})
    assert "…" not in console.file.getvalue()


def test_flights_of_an_agents_earlier_version_are_not_continued(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(WRITER)
    command = ["follow", *SHORT, f"{path}:Writer", "--out", str(tmp_path / "out")]
    assert main([*command, "--episodes", "1"]) == 0
    assert main([*command, "--episodes", "1", "--resume"]) == 0
    path.write_text(WRITER.replace('"report": 1', '"report": 0'))
    assert main([*command, "--episodes", "2", "--resume"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "100.jsonl: expected a flight with code " in line
    assert line.endswith("with the same options, network, program and code of the agent as before")


def test_flights_of_another_version_of_the_program_are_not_continued(tmp_path, capsys, monkeypatch):
    command = ["follow", *SHORT, "--out", str(tmp_path / "out")]
    assert main([*command, "--episodes", "1"]) == 0
    changed = tmp_path / "follower"
    changed.mkdir()
    (changed / "agent.py").write_text("# follows better")
    monkeypatch.setattr("follower.__path__", [str(changed)])
    assert main([*command, "--episodes", "2", "--resume"]) == 2
    assert "100.jsonl: expected a flight with program " in capsys.readouterr().err


def test_what_has_no_network_is_continued_with_any(tmp_path, tiny_weights):
    path = tmp_path / "mine.py"
    path.write_text(WRITER)
    command = ["follow", *SHORT[1:], f"{path}:Writer", "--episodes", "1", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    assert main([*command, "--weights", tiny_weights, "--resume"]) == 0
    assert main([*command, "--perfect", "--resume"]) == 2  # which shows it the ground truth's masks


def test_agents_of_similar_names_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v1").mkdir()
    for path in ("v1/a.py", "v1_a.py"):
        (tmp_path / path).write_text(WRITER)
    assert main(["follow", *SHORT, "v1/a.py:Writer", "v1_a.py:Writer", "--episodes", "1", "--out", "out"]) == 0
    assert len(list(tmp_path.glob("out/flights/plain/v1_a_py_Writer*/100.jsonl"))) == 2


def test_flights_that_are_cut_short_stand_below_the_table():
    lengths = {7: 299, 8: 300, 9: 499, 10: 500}
    logs = {seed: flight((5, searching, {}), (length, moment, {})) for seed, length in lengths.items()}
    console = Console(file=io.StringIO(), width=200)
    print_figures(console, "plain", {"ours": logs | {11: flight((100, searching, {}))}})
    lines = console.file.getvalue().splitlines()
    assert "ours: judged by fewer than EVT-Bench's 300 steps with seeds 7" in lines
    assert "ours: judged by fewer than AD-VAT's 500 steps with seeds 7, 8, 9" in lines


COUNTER = """
from pathlib import Path

class Counter:
    flying = False

    def act(self, observation, info):
        if not self.flying:
            with Path(__file__).with_name("flights.txt").open("a") as file:
                print("a flight", file=file)
        self.flying = True
        return {"report": 0, "position": info["target"]}
"""


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("ending", ["kill", "terminate", "Ctrl-C"])
def test_no_process_flies_on_after_the_benchmark(ending, tmp_path):
    path, flights = tmp_path / "mine.py", tmp_path / "flights.txt"
    path.write_text(COUNTER)
    command = ["follow", "--perfect", "--people", "0", "--processes", "1", "--seconds", "1000"]
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.benchmarks", *command, "--agents", f"{path}:Counter"],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not flights.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            if ending == "Ctrl-C":
                os.killpg(process.pid, signal.SIGINT)
            else:
                process.send_signal(signal.SIGKILL if ending == "kill" else signal.SIGTERM)
            process.communicate(timeout=20)  # returns when no process has the output open
        finally:
            if not process.stdout.closed:  # some go on
                os.killpg(process.pid, signal.SIGKILL)
    assert flights.read_text().splitlines() == ["a flight"]


def test_resuming_needs_a_folder(capsys):
    assert main(["follow", *SHORT, "--resume"]) == 2
    assert "expected --out FOLDER with --resume" in capsys.readouterr().err


def test_an_agent_that_is_not_there_is_refused_before_anything_flies(capsys):
    with pytest.raises(SystemExit) as refused:
        main(["follow", *SHORT, "--agents", "nowhere.py:Agent"])
    assert refused.value.code == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_one_sentence(capsys):
    assert main(["follow", "--weights", "nosuch.h5", "--episodes", "1", "--processes", "1"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("bench follow: There is no weights file nosuch.h5")


@pytest.mark.parametrize("option", ["--processes", "--episodes", "--seconds"])
def test_zero_is_rejected(option, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["follow", "--perfect", option, "0"])
    assert refused.value.code == 2
    assert "number of at least 1, got '0'" in capsys.readouterr().err
