"""Entry point of `python -m job`, and the application file for spark-submit."""

import sys

from job.cli import main

if __name__ == "__main__":
    sys.exit(main())
