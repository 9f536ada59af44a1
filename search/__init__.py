"""What to try next, where, and what has been tried: Optuna asks, Ray Tune executes."""
