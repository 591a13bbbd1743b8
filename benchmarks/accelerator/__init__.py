"""Measurements on an accelerator, in stages that each save their result before the next one starts."""
