"""Data sets: loading, splits, corruption and augmentation."""
