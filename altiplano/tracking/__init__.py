"""A study's members in other tools' trackers, a run each."""
