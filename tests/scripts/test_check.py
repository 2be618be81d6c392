"""Steps of the checks, one after another."""

import os
import signal
import subprocess
import sys

import pytest

from scripts.environment import ROOT

STEPS = """
import sys
sys.path.insert(0, "scripts")
from check import Step, run_steps

def step(name, code):
    return Step(name, ("timeit", "-n1", "-r1", code))

steps = [step("good", "print(1)"), step("bad", "import os; os._exit(3)"), step("worse", "import os; os._exit(4)")]
sleeping = [step("long", "import time; print('asleep', flush=True); time.sleep(60)"), *steps]
sys.exit(run_steps(sys.executable, {"all": steps, "good": steps[:1], "sleeping": sleeping}[sys.argv[1]]))
"""


def start(which: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STEPS, which]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_all_steps_run_and_the_first_failure_is_the_exit_status():
    process = start("all")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    outcomes = [
        line.rpartition(",")[0] for line in printed.splitlines() if line.startswith("==") and line.endswith(" s")
    ]
    assert outcomes == ["== good: passed", "== bad: failed with status 3", "== worse: failed with status 4"]
    assert printed.splitlines()[-1] == "== failed: bad, worse"


def test_without_a_failure_the_status_is_0():
    process = start("good")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "failed" not in printed


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a group of processes, as a terminal does")
def test_ctrl_c_ends_the_running_step_and_skips_the_others():
    process = start("sleeping")
    assert process.stdout is not None
    while process.stdout.readline() != "asleep\n":
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert rest == "== long: interrupted\n"
