"""`python -m simulator`: the built-in simulator. Connects to a follower, or waits for one."""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import sys

from simulator.command import main

if __name__ == "__main__":
    sys.exit(main())
