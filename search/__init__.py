"""What to try next, where, and what has been tried: Optuna asks, Ray Tune executes."""

import os

# Ray reads these when it is imported, which the modules below do.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray 2.60 otherwise warns will be its default
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "Raylet is terminated|has been marked dead because")  # we say ourselves who has left

from search.errors import StudyError, UserError
from search.fresh import confirm
from search.homes import names
from search.launch import check, forecast, launch, resume, status
from search.progress import Status
from search.run import Event, Outcome, SearchFailed
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
