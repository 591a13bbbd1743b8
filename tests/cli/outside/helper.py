"""A module that a user's module imports."""

SCALE = 1.0
