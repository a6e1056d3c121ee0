"""`python -m spine` is the command `spine`."""

import sys

from spine.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
