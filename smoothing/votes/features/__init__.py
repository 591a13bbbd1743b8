"""Feature transforms, fitted on the training inputs without their labels.

A new transform is a subclass of `Transform`, exported by `smoothing.votes`.
"""
