"""`python -m model.train`; the command itself is `model.training.train`."""

import sys

from model.training.train import main

if __name__ == "__main__":
    sys.exit(main())
