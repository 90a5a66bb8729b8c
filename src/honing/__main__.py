"""`python -m honing` is `hone`."""

import sys

from honing.cli import main

if __name__ == "__main__":
    sys.exit(main())
