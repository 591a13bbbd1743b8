"""Votes on training labels. The weights of linear votes depend on the training inputs and the test input, on no label.

A new vote is a subclass of `LinearVotes`, exported by `smoothing.votes`.
"""
