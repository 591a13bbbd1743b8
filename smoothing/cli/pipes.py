"""Output to a pipe that may be closed, as by ``smoothing compare ... | head``."""

import io
import os
import sys
from typing import Any, TextIO, cast


class ClosablePipe(io.FileIO):
    """A file descriptor. After the reader of a pipe has closed it, output is discarded: the command goes on."""

    def write(self, data: Any) -> int:
        """Write bytes. Return the number of written bytes."""
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(data)


def outlive_pipes() -> None:
    """Let standard output and standard error survive a closed pipe. Streams that were replaced are left alone."""
    if sys.stdout is sys.__stdout__:
        sys.stdout = _closable(cast(TextIO, sys.stdout))
    if sys.stderr is sys.__stderr__:
        sys.stderr = _closable(cast(TextIO, sys.stderr))


def _closable(stream: TextIO | Any) -> TextIO | Any:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(ClosablePipe(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
