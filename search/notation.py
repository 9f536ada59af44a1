"""YAML as study files use it: numbers like 1e-3 are numbers, a key stands once, and every key knows its line."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from search.errors import Fault, StudyError

Lines = dict[str, int]
"""Dotted key to line, from 1."""


class _Loader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's notion of a number, which PyYAML (1.1) reads as text where the point is missing."""


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which quotes text that `_Loader` would read as a number."""


_NUMBER = re.compile(
    r"^[-+]?(?:(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
)
for speaker in (_Loader, _Dumper):
    speaker.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:float"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    speaker.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+0123456789."))


def parse(text: str, source: str = "study") -> tuple[Any, Lines]:
    """The content of a YAML text and the line of every key.

    Raises:
        StudyError: If the text is no YAML, or a key stands twice.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise StudyError(
            [Fault("", f"must be YAML: {error.problem}; check colons, indentation and brackets there", line)], source
        ) from error
    lines: Lines = {}
    faults = [] if node is None else list(_walk(node, "", lines))
    if faults:
        raise StudyError(faults, source)
    return yaml.load(text, Loader=_Loader), lines  # noqa: S506 a SafeLoader with other numbers


def value(text: str) -> Any:
    """One value as a study file would write it, for `--set key=value`."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 likewise


def dump(content: Mapping[str, Any]) -> str:
    """Plain data as YAML, in order, that `parse` reads back."""
    return yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def line_of(path: str, lines: Lines) -> int | None:
    """The line of a key, or of the nearest key around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path.rpartition(".")[0]
    return None


def _walk(node: yaml.Node, path: str, lines: Lines) -> Any:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, content in node.value:
            inner = f"{path}.{key.value}" if path else str(key.value)
            line = key.start_mark.line + 1
            if key.value in seen:
                yield Fault(inner, f"must stand once, stands in lines {seen[key.value]} and {line}; remove one", line)
            seen[key.value] = lines[inner] = line
            yield from _walk(content, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _walk(item, f"{path}.{number}", lines)
