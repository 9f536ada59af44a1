from typing import Any, Literal

import pytest

from trainables.arguments import faults, illegal, unknown, wanted


def made(first, second, count: int, share: float = 0.5, kind: Literal["round", "square"] = "round", sizes: list[int] | None = None):
    """Something with arguments."""


def test_legal_arguments_have_no_faults():
    assert faults("net", made, {"count": 3}, skip=2) == []
    assert faults("net", made, {"count": 3, "share": 1, "kind": "square", "sizes": [1, 2]}, skip=2) == []
    assert faults("net", made, {"count": 3, "sizes": None}, skip=2) == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "net.count must be given: a whole number"),
        ({"count": 2.0}, "net.count must be a whole number, got 2.0"),
        ({"count": True}, "net.count must be a whole number, got True"),
        ({"count": 1, "share": "half"}, "net.share must be a finite number, got 'half'"),
        ({"count": 1, "share": float("inf")}, "net.share must be a finite number, got inf"),
        ({"count": 1, "kind": "sqare"}, "net.kind must be one of round, square, got 'sqare'; did you mean square?"),
        ({"count": 1, "kind": 7}, "net.kind must be one of round, square, got 7"),
        ({"count": 1, "sizes": [1, "b"]}, "net.sizes must be a list, each a whole number or left out, got [1, 'b']"),
        ({"count": 1, "cuont": 1}, "net.cuont is unknown; did you mean count?"),
        ({"count": 1, "first": 1}, "net.first is unknown; there is count, kind, name, share, sizes"),
    ],
)
def test_a_fault_names_key_demand_and_value(given, fault):
    assert faults("net", made, given, skip=2, beside=("name",)) == [fault]


def test_all_faults_are_found_at_once():
    assert len(faults("net", made, {"share": "x", "kid": 1}, skip=2)) == 3


def test_a_function_that_takes_anything_or_hides_what_it_takes_is_not_second_guessed():
    assert faults("data", lambda **options: options, {"whatever": 1}) == []
    assert faults("data", max, {"whatever": 1}) == []


def test_an_unknown_name_comes_with_the_nearest_or_with_all():
    assert unknown("data.name digit", "digit", ["digits", "mnist"]) == "data.name digit is unknown; did you mean digits?"
    assert unknown("data.name xyz", "xyz", ["digits", "mnist"]) == "data.name xyz is unknown; there is digits, mnist"
    assert unknown("data.x", "x", []) == "data.x is unknown; nothing is taken here"


@pytest.mark.parametrize(
    ("hint", "value"), [(Any, object()), (float, 3), (int | None, None), (str, ""), (tuple[int, ...], [1]), (dict[str, int], {})]
)
def test_values_that_fit(hint, value):
    assert illegal(hint, value) is None


def test_annotations_in_words():
    assert wanted(int | None) == "a whole number or left out"
    assert wanted(bool) == "true or false"
    assert wanted(list[float]) == "a list, each a finite number"
    assert wanted(dict) == "given"
