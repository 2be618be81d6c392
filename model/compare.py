"""`python -m model.compare`; the command itself is `model.compare`."""

import sys

from model.evaluation.compare import main

if __name__ == "__main__":
    sys.exit(main())
