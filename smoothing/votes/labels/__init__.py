"""Linear votes of training labels: weights that depend on the training inputs and the test input, never on a label.

A new vote is a subclass of `LinearVotes`, exported by `smoothing.votes`.
"""
