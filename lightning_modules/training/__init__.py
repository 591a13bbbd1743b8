"""Training base classifiers and denoisers, and the recipes by which objects are built again."""
