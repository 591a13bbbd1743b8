"""Votes of learners that are each trained on a part of the training set: partitions and bags.

A new rule that assigns examples to parts is a subclass of `Partition`, a new learner one of `PartLearner`; both are
exported by `smoothing.votes`.
"""
