"""Figures as PNG and PDF files, written by a process of its own beside the one that goes on with the report.

Writing takes as long as all the rest of a report. The process runs this very file, which imports nothing but matplotlib.
"""

import pickle
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self


class Printer:
    """Takes figures and writes them; all are there once its context is left.

    Args:
        style: matplotlib's settings to save them with.
    """

    def __init__(self, style: dict[Any, Any]) -> None:
        command = [sys.executable, "-P", __file__]  # -P: the modules beside this file are not to be taken for others of their names
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  our own file, no shell
        self._send(style)

    def save(self, figure: Any, stem: str) -> None:
        """Write a matplotlib figure as stem.png, 300 dpi, and stem.pdf, without dates."""
        self._send((figure, str(Path(stem).absolute())))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _, told = self._process.communicate()
        if error is None and self._process.returncode:
            raise OSError(f"the report's figures could not be written: {told.decode(errors='replace').strip().splitlines()[-1]}")

    def _send(self, something: Any) -> None:
        target = self._process.stdin
        if target is None or self._process.poll() is not None:
            return
        try:
            pickle.dump(something, target, protocol=pickle.HIGHEST_PROTOCOL)
            target.flush()
        except BrokenPipeError:
            return  # the process has ended; leaving the context says why


def write_all(source: BinaryIO) -> None:
    """Write the figures that come down the pipe, after the settings, until it ends."""
    import matplotlib as mpl

    mpl.use("agg")
    with mpl.rc_context(pickle.load(source)):  # noqa: S301  from our own parent process
        while True:
            try:
                figure, stem = pickle.load(source)  # noqa: S301
            except EOFError:
                return
            # Level 3 takes two thirds of level 6's time; its files are a seventh larger.
            figure.savefig(f"{stem}.png", facecolor="white", pil_kwargs={"compress_level": 3})
            figure.savefig(f"{stem}.pdf", facecolor="white", metadata={"CreationDate": None})


if __name__ == "__main__":
    write_all(sys.stdin.buffer)
