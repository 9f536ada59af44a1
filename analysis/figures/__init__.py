"""Figures in one house style; each module draws one kind and returns a `Drawing`."""
