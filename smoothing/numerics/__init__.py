"""Numerics of certifying paths: outward rounding, root bracketing, binomial tails, exact products, random streams.

Functions here know arrays and numbers only: no measure, no vote, no certificate. A function that rounds says in
which direction and by how much.
"""
