"""The base class of encoders of texts."""

from torch import Tensor, uint8

from lightning_modules.encoders.encoder import Encoder


class TextEncoder(Encoder):
    """An encoder of texts in UTF-8. Each text is a row of bytes, padded with zeros."""

    def texts(self, x: Tensor) -> list[str]:
        """Return the texts of rows ``(batch, length)`` uint8.

        Raises:
            ValueError: If the inputs are not texts.
        """
        name = type(self).__name__
        if x.dtype != uint8 or x.ndim != 2:
            raise ValueError(f"{name}: inputs of shape {list(x.shape[1:])} and {x.dtype}; must be texts, rows of bytes")
        try:
            return [bytes(row).rstrip(b"\0").decode() for row in x.cpu().numpy()]
        except UnicodeDecodeError as error:
            raise ValueError(f"{name}: an input is not a text in UTF-8: {error}") from error
