"""The checkpoints that something comes from."""


def joined(*checkpoints: str | None) -> str | None:
    """Hashes of several checkpoints in one word; None where there is no checkpoint."""
    return "+".join(known for known in checkpoints if known) or None
