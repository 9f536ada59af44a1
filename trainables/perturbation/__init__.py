"""Where in weight space the gradient is taken: ascent x radius x descent, and what does not fit that."""
