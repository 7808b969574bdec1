"""List images, decide which are new, fetch their bytes, decode them."""
