"""`python -m simulator`: the built-in simulator. Connects to a follower, or waits for one."""

import sys

try:
    from simulator.command import main
except KeyboardInterrupt:  # the imports take seconds
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main())
