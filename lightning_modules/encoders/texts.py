"""Features of texts, which come as rows of bytes."""

from torch import Tensor, uint8

from lightning_modules.encoders.encoder import Encoder


class TextEncoder(Encoder):
    """An encoder of texts in UTF-8, each a row of bytes that is filled up with zeros."""

    def texts(self, x: Tensor) -> list[str]:
        """The texts of rows ``(batch, length)`` uint8.

        Raises:
            ValueError: If the inputs are no texts.
        """
        name = type(self).__name__
        if x.dtype != uint8 or x.ndim != 2:
            raise ValueError(f"{name}: inputs of shape {list(x.shape[1:])} and {x.dtype}; must be texts, rows of bytes")
        try:
            return [bytes(row).rstrip(b"\0").decode() for row in x.cpu().numpy()]
        except UnicodeDecodeError as error:
            raise ValueError(f"{name}: an input is no text in UTF-8: {error}") from error
