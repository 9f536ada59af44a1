"""What several tests of a search use."""

from collections.abc import Iterator

import pytest

from tests.search.postgres import Server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running PostgreSQL server; skips where PostgreSQL is not installed."""
    server = Server()
    server.start()
    yield server
    server.stop()
