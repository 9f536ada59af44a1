"""Networks as functions of their weights, all on the staged seam."""
