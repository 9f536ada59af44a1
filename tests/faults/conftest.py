"""What the campaigns use."""

from tests.search.conftest import postgres  # noqa: F401 a fixture
