"""`python -m model.plot`; the command itself is `model.plot`."""

import sys

from model.evaluation.plot import main

if __name__ == "__main__":
    sys.exit(main())
