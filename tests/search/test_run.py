"""What a search says at its end."""

from pathlib import Path

from search.homes import HOME, elsewhere
from search.run import Place
from trainables.home import Home


def test_the_command_that_goes_on_names_home_and_cluster_where_they_are_not_the_usual_ones(tmp_path: Path) -> None:
    for parent, address, words in (
        (HOME, None, ""),
        (str(tmp_path), None, f" --home {tmp_path}"),
        ("s3://bucket", "auto", " --home s3://bucket --address auto"),
    ):
        assert Place(Home(f"{parent}/digits"), parent, address).again("digits") == f"altiplano resume digits{words}"
        assert elsewhere(parent, address) == words
