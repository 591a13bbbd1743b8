"""Votes with a parameter that is annotated too widely."""

from smoothing.votes import Ridge


class Listed(Ridge):
    """Ridge with steps.

    Args:
        steps: Transforms.
    """

    def __init__(self, steps: list) -> None:  # type: ignore[type-arg]
        super().__init__(transforms=steps)
