"""Data sets: sources, readers and their cache, splits, scenarios and augmentation."""

from trainables.data.check import check

__all__ = ["check"]
