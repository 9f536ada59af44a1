"""Training many members at once; knows the axes and no method."""

from trainables.engine.deferral import defer

defer()
