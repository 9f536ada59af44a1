"""What the tests of clusters use."""

from collections.abc import Iterator

import pytest

from tests.cluster.nodes import Nodes


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """A cluster that has no node yet; what is started is ended with the test."""
    made = Nodes()
    yield made
    made.stop()
