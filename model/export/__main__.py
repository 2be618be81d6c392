"""`python -m model.export`; the command itself is `model.export.command`."""

import sys

from model.export.command import main

if __name__ == "__main__":
    sys.exit(main())
