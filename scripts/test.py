"""Set up everything and run all checks and tests: `python scripts/test.py [pytest's arguments]`.

Without arguments: the quick checks, then, if they pass, all other tests. With arguments: format, lint, types, and the
tests that pytest chooses by them.
"""

import sys

from check import QUICK, REQUIREMENTS, STATIC, Step, run_steps, tests
from environment import prepare

if __name__ == "__main__":
    interpreter = prepare(*REQUIREMENTS)
    if sys.argv[1:]:
        sys.exit(run_steps(interpreter, [*STATIC, Step("tests", ("pytest", *sys.argv[1:]))]))
    others = tests("other tests", "loadfile", "-m", "not quick")  # many share a server or a network with their file
    sys.exit(run_steps(interpreter, QUICK) or run_steps(interpreter, [others]))
