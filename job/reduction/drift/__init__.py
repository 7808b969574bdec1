"""New images against those of the fit: statistics, a reference, findings."""
