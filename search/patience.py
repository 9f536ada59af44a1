"""Waiting for a ledger that cannot be written just now: a full disk, a database server that restarts."""

import time
from collections.abc import Callable
from typing import TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError

from search.amounts import duration

Result = TypeVar("Result")

PASSING = (OperationalError, StorageInternalError)
"""What a database says when it is full, locked or away; Optuna wraps it in the second."""


class Patience:
    """Does things with the ledger again until they work.

    Args:
        seconds: How long in all one thing is tried; 0 tries once.
        told: Is told, once a wait, that and why nothing goes on.
        before: Is done before each attempt; may raise what `PASSING` names to wait on, or something else to give up.
        stopped: Whether the user has asked to stop, which ends all waiting.
        pause: Seconds between two attempts.
    """

    def __init__(
        self,
        seconds: float = 0.0,
        told: Callable[[str, str], None] = lambda kind, text: None,
        before: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
        pause: float = 1.0,
    ) -> None:
        self.seconds, self.told, self.before, self.stopped, self.pause = seconds, told, before, stopped, pause

    def __call__(self, do: Callable[[bool], Result]) -> Result:
        """Return what `do` returns.

        Args:
            do: Is told whether it has been tried before: then what it does may have happened although nobody could say so.
        """
        began = time.monotonic()
        waited = tried = False
        while True:
            try:
                self.before()
                again, tried = tried, True
                found = do(again)
            except PASSING as error:
                if self.stopped() or time.monotonic() - began >= self.seconds:
                    raise
                if not waited:
                    self.told("note", f"the ledger cannot be used ({reason(error)}); waiting up to {duration(self.seconds)} for it")
                waited = True
                time.sleep(self.pause)
            else:
                if waited:
                    self.told("note", "the ledger can be used again")
                return found


def reason(error: BaseException) -> str:
    """The database's own words, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
