"""Hashes of several checkpoints."""


def joined(*checkpoints: str | None) -> str | None:
    """Join the hashes of several checkpoints by plus signs; return None if there is no checkpoint."""
    return "+".join(known for known in checkpoints if known) or None
