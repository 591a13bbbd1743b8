"""Votes of models that are each trained on one sample of the training inputs.

A new training procedure is a subclass of `Learner`, exported by `smoothing.votes`.
"""
