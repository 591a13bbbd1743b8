"""Votes of models that are each trained anew on randomised training inputs.

A new training procedure is a subclass of `Learner`, exported by `smoothing.votes`.
"""
