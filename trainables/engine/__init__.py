"""Training many members at once; knows the axes and no method."""
