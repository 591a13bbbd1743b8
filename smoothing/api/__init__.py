"""Use from Python: certify a model in one call, load finished runs, and estimators for scikit-learn.

`smoothing` exports the public names. Add code here that connects models and data of other libraries with votes,
certifiers and run directories. It computes no radius. Like the command line, this room may import every other room.
"""
