"""Chart values to what each target takes."""
