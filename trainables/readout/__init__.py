"""Readouts: simple classifiers on frozen features, to say what an encoder has learned without touching it. torch and numpy alone."""
