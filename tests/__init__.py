"""Tests mirror the tree: tests/PACKAGE/test_MODULE.py, and beside them what holds across packages."""
