"""What every method and net must keep: held by tests for ours, by `altiplano doctor --plugin` for the user's own."""
