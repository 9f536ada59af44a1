"""What several tests of a search use."""

from collections.abc import Iterator

import pytest

from tests.search.postgres import Server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running PostgreSQL server; skips where PostgreSQL is not installed."""
    server = Server(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()
