"""The pages that people read: links that lead somewhere, and generated pages that say what the code says."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from docs.reference import NOTE, PAGES, api
from docs.reference.words import anchor

ROOT = Path(__file__).parents[1]
READ = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")


def prose(path):
    """A page without its listings and the code in its lines."""
    return re.sub(r"```.*?```|`[^`\n]*`", "`", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(path):
    return {anchor(line.lstrip("#").strip()) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")}


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_to_a_file_and_a_heading_that_are_there(path):
    for link in LINK.findall(prose(path)):
        name, _, heading = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), f"{link} leads nowhere"
        assert not heading or target.suffix != ".md" or heading in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_code_says(name):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == NOTE + PAGES[name](), "run `python -m docs.reference`"


def test_every_page_has_its_place_in_the_site():
    listed = re.findall(r"[\w/-]+\.md", yaml.safe_dump(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    assert sorted(listed) == sorted(str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md"))


def literals():
    """Every piece of text in the packages' code, implicit concatenations joined, f-strings in their fixed parts."""
    paths = [path for package in ("altiplano", "analysis", "search", "trainables") for path in (ROOT / package).rglob("*.py")]
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return "\n".join(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_the_messages_that_troubleshooting_quotes_are_the_code_s_own():
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    quoted = [part.strip() for line in re.findall(r"^    (.+)$", page, flags=re.MULTILINE) for part in line.split("…") if len(part) > 8]
    assert len(quoted) > 15
    code = literals()
    assert [part for part in quoted if part not in code] == []


def test_the_python_page_has_nothing_of_pydantics_own():
    assert "model_" not in api.page()
