"""`python -m simulator`: the built-in simulator. Connects to a follower, or waits for one."""

import signal
import sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background commands with it ignored
try:
    from simulator.command import main
except KeyboardInterrupt:  # the imports take seconds
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main())
