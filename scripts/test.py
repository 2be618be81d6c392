"""Sets up everything and runs the tests: `python scripts/test.py [pytest's arguments]`."""

import sys

from environment import ROOT, prepare, run

if __name__ == "__main__":
    interpreter = prepare("requirements.txt", "requirements-dev.txt")
    status = run(interpreter, "-m", "ruff", "check", ROOT)
    sys.exit(status or run(interpreter, "-m", "pytest", *sys.argv[1:], cwd=ROOT))
