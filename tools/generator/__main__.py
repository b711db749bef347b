"""`python -m tools.generator --rows 2240 --out customers.csv`."""

import sys

from tools.generator import main

if __name__ == "__main__":
    sys.exit(main())
