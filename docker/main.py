#!/opt/venv/bin/python3
"""What runs in the image: the main application file of Spark, and the command image-features."""

import sys

from job.cli import main

sys.exit(main())
