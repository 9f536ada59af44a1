"""The pages that are written from the code: methods, the study file, the command line, Python. `python -m docs.reference` writes them."""

from collections.abc import Callable

from docs.reference import api, commands, methods, study_file

PAGES: dict[str, Callable[[], str]] = {
    "methods.md": methods.page,
    "study-file.md": study_file.page,
    "commands.md": commands.page,
    "python.md": api.page,
}
"""File under docs/ to the function that makes its text."""

NOTE = "<!-- Written from the code by `python -m docs.reference`; change the code, not this page. -->\n\n"
