"""Certification of a data set as Lightning predict runs: the module, the trainer, and the steps of a run.

Add code here that runs measures, votes and certifiers on a data set. How a run resumes is in
`smoothing.runs.progress`.
"""
