"""`python -m model.compare`, implemented in `model.evaluation.compare`."""

import sys

from model.evaluation.compare import main

if __name__ == "__main__":
    sys.exit(main())
