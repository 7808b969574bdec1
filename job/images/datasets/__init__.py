"""Image sets made from others: samples, and copies with portable names."""
