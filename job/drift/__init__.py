"""How new images differ from those that scaler and PCA were fitted on."""
