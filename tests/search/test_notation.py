import pytest

from search.errors import StudyError
from search.notation import dump, line_of, parse, value


@pytest.mark.parametrize(
    ("text", "number"), [("1e-3", 1e-3), ("5.0e-4", 5e-4), ("2E5", 2e5), (".5", 0.5), ("1.", 1.0), ("-1e+2", -100.0), ("1_000", 1000)]
)
def test_numbers_are_numbers_however_they_are_written(text, number):
    found = value(text, "key")
    assert found == number
    assert isinstance(found, int | float)


@pytest.mark.parametrize("text", ["e5", "1.5.2", "1e", "adam", "1-3"])
def test_words_stay_words(text):
    assert value(text, "key") == text


def test_every_key_knows_its_line():
    _, lines = parse("a: 1\nb:\n  c: {d: 2}\n  e: [3, {f: 4}]\n")
    assert lines == {"a": 1, "b": 2, "b.c": 3, "b.c.d": 3, "b.e": 4, "b.e.1.f": 4}
    assert line_of("b.c.unknown.deep", lines) == 3
    assert line_of("unknown", lines) is None


def test_a_key_that_stands_twice_is_refused_with_both_lines():
    with pytest.raises(StudyError, match=r"file: line 3, a.b: must stand once, stands in lines 2 and 3"):
        parse("a:\n  b: 1\n  b: 2\n", "file")


def test_what_is_no_yaml_is_refused_with_its_line():
    with pytest.raises(StudyError, match=r"file: line 3, must be YAML"):
        parse("a: 1\nb: [1, 2\nc: 3\n", "file")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tail: !foo x", "study: line 1, must be YAML: could not determine a constructor for the tag '!foo'"),
        ("tail: \x01", "study: must be YAML: unacceptable character #x0001"),
        ("name: x\n? [a, b]\n: 1", "study: line 2, must have words as keys"),
        ("data: &it\n  name: *it", "study: line 1, data.name: must not be part of itself"),
        ("name: x\n? {a: b}\n: 1", "study: line 2, must have words as keys"),
        ("tail: 2020-99-99", "study: must be YAML whose values can be read: month must be in 1..12"),
        ("data: " + "[" * 3000 + "]" * 3000, "study: must be YAML whose values can be read: maximum recursion depth exceeded"),
    ],
)
def test_what_no_study_can_hold_is_refused_in_a_line(text, words):
    with pytest.raises(StudyError) as raised:
        parse(text)
    assert str(raised.value).startswith(words)
    assert len(str(raised.value).splitlines()) == 1


def test_a_value_that_is_no_yaml_is_refused_with_its_key():
    with pytest.raises(StudyError, match=r"--set tail=\[1,: line 1, must be YAML"):
        value("[1,", "tail")


@pytest.mark.parametrize("content", [{"a": 1e-7, "b": [1, 2.5], "c": {"d": "1e-3", "e": "text", "f": None}, "g": True, "h": 1e30}, {}])
def test_what_is_written_reads_back_the_same(content):
    assert parse(dump(content))[0] == content
