"""Provenance: what something was trained on, and the identity (hash) of what computes.

Add here what is hashed or recorded about data, networks and source files. The files of a run are in
`smoothing.runs`.
"""
