"""Analytic certifiers: the vote under noise is bounded by a formula, without sampling.

A new certifier is a subclass of `AnalyticCertifier`, exported by `smoothing.certifiers`.
"""
