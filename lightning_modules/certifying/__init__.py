"""Certifying a data set as Lightning predict runs: the module, the trainer's `certify`, and how a run resumes."""
