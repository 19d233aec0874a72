"""`python -m aimux` is the command `aimux`."""

import sys

from aimux.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
