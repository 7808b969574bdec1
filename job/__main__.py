"""`python -m job`, and the main application file of spark-submit."""

import sys

from job.cli import main

if __name__ == "__main__":
    sys.exit(main())
