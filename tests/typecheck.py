"""The run-time check of annotations in `trainables` that conftest.py switches on: shapes by jaxtyping, the rest by beartype."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""beartype with Python's own rule that an int may stand where a float is asked for."""
