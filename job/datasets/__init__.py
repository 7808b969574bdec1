"""Sets of images made from others: samples, and names that every system can hold."""
