"""What a run used and what that costs: pods' requests over time, and a table of prices."""
