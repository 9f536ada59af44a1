"""What to try next, where, and what has been tried: Optuna asks, Ray Tune executes."""

from search.errors import StudyError, UserError
from search.fresh import confirm
from search.launch import Event, Outcome, SearchFailed, check, forecast, launch, names, resume, status
from search.progress import Status
from search.study import Study

__all__ = [
    "Event",
    "Outcome",
    "SearchFailed",
    "Status",
    "Study",
    "StudyError",
    "UserError",
    "check",
    "confirm",
    "forecast",
    "launch",
    "names",
    "resume",
    "status",
]
