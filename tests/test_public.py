"""The names that others may build on: one that goes or comes is a decision, and a line in the changelog."""

import importlib

import pytest

PUBLIC = {
    "search": "Event Outcome SearchFailed Status Study StudyError UserError check confirm forecast launch names resume status",
    "analysis": "Table compare_studies load rank report",
}


@pytest.mark.parametrize("package", PUBLIC)
def test_a_package_hands_out_the_names_that_are_pinned_here(package):
    module = importlib.import_module(package)
    assert sorted(module.__all__) == PUBLIC[package].split()
    assert all(getattr(module, name).__doc__ for name in module.__all__)
