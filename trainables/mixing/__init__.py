"""What the examples are: one module a mixing."""
