"""docs/tutorial.md, followed as it is written, but for the training: its files, its commands, and the sentences that it quotes."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from altiplano.main import app, run
from altiplano.options import AT_FAULT, DONE
from tests.test_docs import literals

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, re.DOTALL))
COMMANDS = re.findall(r"^    \$ altiplano (.+)$", PAGE, re.MULTILINE)
QUOTED = re.findall(r"^> (.+)$", PAGE.partition("## What you may claim")[0], re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with the page's files, and the data that it makes."""
    made = tmp_path_factory.mktemp("tutorial")
    for name, text in FILES.items():
        (made / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        runpy.run_path("make_data.py")
    return made


def shown_for(command):
    """What the page shows below a command."""
    return re.search(rf"^    \$ {re.escape(command)}\n((?:    [^$].*\n)+)", PAGE, re.MULTILINE).group(1)


def test_check_says_of_the_pages_study_what_the_page_says(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    wrong = FILES["cancer.yaml"].replace("epochs", "epoch").replace("criterion: softad", "criterion: sofftad")
    (folder / "wrong.yaml").write_text(wrong)
    for name, ends in (("wrong.yaml", AT_FAULT), ("cancer.yaml", DONE)):
        assert run(["check", name]) == ends
        told = capsys.readouterr()
        assert (told.out + told.err).split() == shown_for(f"altiplano check {name}").split()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_pages_commands_are_understood(command):
    name, *arguments = shlex.split(command)
    assert get_command(app).commands[name].make_context(name, arguments)


def test_the_sentences_quoted_from_a_report_are_the_codes_own():
    pieces = sorted((piece for piece in literals().split("\n") if len(piece) > 5), key=len, reverse=True)
    assert len(QUOTED) > 8
    for sentence in QUOTED:
        left = sentence
        for piece in pieces:
            left = left.replace(piece, "")
        assert len(left) < 0.5 * len(sentence), f"only numbers and names should be left of what is quoted, here is: {left}"


def test_the_exported_model_is_used_with_torch_and_numpy_alone():
    imported = set(re.findall(r"^(?:import|from) (\w+)", FILES["diagnose.py"], re.MULTILINE))
    assert imported == {"json", "pathlib", "numpy", "torch"}
