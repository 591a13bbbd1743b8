"""Randomized smoothing: randomise an object, bound the vote, turn the bound into a radius (docs/THEORY.md section 1)."""
