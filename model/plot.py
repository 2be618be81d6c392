"""`python -m model.plot`, implemented in `model.evaluation.plot`."""

import sys

from model.evaluation.plot import main

if __name__ == "__main__":
    sys.exit(main())
