"""Exact certifiers: the effect of every change of the labels is known, and no noise is left to bound.

A new certifier is a subclass of `Certifier` or, for partitions, of `PartsCertifier`, exported by
`smoothing.certifiers`.
"""
