"""List images, find new ones, fetch their bytes, decode them."""
