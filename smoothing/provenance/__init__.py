"""Provenance: origin of training data, and identity (hash) of networks, arrays, files and source code.

Add functions here that hash or record data, networks and source files. The files of a run are in `smoothing.runs`.
"""
