"""Networks that are trained and frozen: loaded from checkpoints, or pretrained elsewhere."""
