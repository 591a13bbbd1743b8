"""Certifiers that compute the effect of every change exactly, without a bound on vote probabilities.

A new certifier is a subclass of `Certifier` or, for partitions, of `PartsCertifier`, exported by
`smoothing.certifiers`.
"""
