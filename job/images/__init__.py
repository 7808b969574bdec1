"""List images, find what is new, fetch their bytes, decode them."""
