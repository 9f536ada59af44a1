"""YAML as study files use it: numbers like 1e-3 are numbers, a key stands once, and every key knows its line."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
        StudyError: If the text is no YAML, a key stands twice or is no word, or something is part of itself.
    """
    lines: Lines = {}
    with _told(source):
        node = yaml.compose(text, Loader=_Loader)
        faults = [] if node is None else list(_walk(node, "", lines, ()))
        if faults:
            raise StudyError(faults, source)
        return yaml.load(text, Loader=_Loader), lines  # noqa: S506 a SafeLoader with other numbers


def value(text: str, key: str) -> Any:
    """One value as a study file would write it, for `--set key=value`.

    Raises:
        StudyError: If it is no YAML.
    """
    return parse(text, f"--set {key}={text}")[0]


@contextmanager
def _told(source: str) -> Iterator[None]:
    """Turn what the reader raises into a fault with its line, where it has one."""
    try:
        yield
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        words = getattr(error, "problem", None) or str(error).splitlines()[0]
        fault = Fault("", f"must be YAML: {words}; check colons, indentation and brackets there", mark.line + 1 if mark else None)
        raise StudyError([fault], source) from error
    except (ValueError, KeyError, RecursionError) as error:  # a date that is none, a tag's wrong word, brackets without end
        raise StudyError([Fault("", f"must be YAML whose values can be read: {error}; quote what is text")], source) from error


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


def _walk(node: yaml.Node, path: str, lines: Lines, above: tuple[yaml.Node, ...]) -> Iterator[Fault]:
    if node in above:
        yield Fault(path, "must not be part of itself; write out what the alias stands for", node.start_mark.line + 1)
        return
    above = (*above, node)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, content in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield Fault(path, "must have words as keys, has a list or keys as one", key.start_mark.line + 1)
                continue
            inner = f"{path}.{key.value}" if path else str(key.value)
            line = key.start_mark.line + 1
            if key.value in seen:
                yield Fault(inner, f"must stand once, stands in lines {seen[key.value]} and {line}; remove one", line)
            seen[key.value] = lines[inner] = line
            yield from _walk(content, inner, lines, above)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _walk(item, f"{path}.{number}", lines, above)
