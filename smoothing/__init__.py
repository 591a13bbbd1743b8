"""Randomized smoothing: randomise an object, bound the vote, turn the bound into a radius (THEORY.md section 1)."""
