"""A run on disk: its directory, its settings and its provenance file.

Add here what is read from or written into a run directory, except certificates (`smoothing.certificates`) and draws
(`smoothing.votes.retrained`). Nothing here knows Lightning.
"""
