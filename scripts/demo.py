"""Set up everything and fly the whole loop in the built-in simulator: `python scripts/demo.py [--help]`."""

import sys

from environment import prepare, run

if __name__ == "__main__":
    sys.exit(run(prepare("requirements.txt"), "-P", "-m", "scripts.demo_flight", *sys.argv[1:]))
