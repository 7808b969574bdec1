#!/opt/venv/bin/python3
"""The application file of Spark in the image, and its command `image-features`."""

import sys

from job.cli import main

sys.exit(main())
