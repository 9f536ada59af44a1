"""Fresh seeds on the test split: asked once, kept by the ledger, and no part of what the search knows."""

import pytest

from search.errors import UserError
from search.files import evidence_file
from search.fresh import FRESH, groups
from tests.search import fakes
from tests.search.test_extension import one_method
from tests.search.test_searcher import Search

SEEDS = range(FRESH, FRESH + 3)


@pytest.fixture
def done(tmp_path):
    """A study that has ended; its ledger."""
    search = Search(tmp_path, one_method())
    search.finish()
    return search.ledger


def test_configurations_with_the_same_seeds_are_trained_together_on_the_test_split(done):
    found = groups(done, {("sam", 1): SEEDS, ("erm", 0): SEEDS, ("sam", 4): SEEDS})
    assert [(one.method, [each.number for each in one.configurations], one.split) for one in found] == [
        ("sam", [1, 4], "test"),
        ("erm", [0], "test"),
    ]
    assert {one.seeds for one in found} == {tuple(SEEDS)}
    assert evidence_file(found[0]).startswith("evidence-test/")


def test_seeds_that_were_asked_for_are_not_asked_for_again(done, tmp_path):
    groups(done, {("sam", 1): SEEDS[:2]})
    assert [one.seeds for one in groups(done, {("sam", 1): SEEDS})] == [(FRESH + 2,)]
    assert groups(fakes.opened(tmp_path, one_method()), {("sam", 1): SEEDS}) == []


def test_what_could_not_be_trained_is_asked_for_again_by_who_confirms_again(done, tmp_path):
    (group,) = groups(done, {("sam", 1): SEEDS})
    done.fail(group, "its process died")
    assert groups(done, {("sam", 1): SEEDS}) == [], "not in the same run"
    assert [one.seeds for one in groups(fakes.opened(tmp_path, one_method()), {("sam", 1): SEEDS})] == [tuple(SEEDS)]


def test_fresh_groups_in_flight_are_handed_out_again_on_the_same_split(done, tmp_path):
    asked = groups(done, {("sam", 1): SEEDS})
    assert fakes.opened(tmp_path, one_method()).in_flight() == asked


def test_confirming_leaves_the_search_complete_and_asks_for_no_more_of_its_seeds(done):
    (group,) = groups(done, {("sam", 1): SEEDS})
    assert not done.complete
    done.settle(group, fakes.members(one_method(), group))
    assert done.complete


def test_fresh_configurations_are_not_dropped_at_rungs(done, tmp_path):
    groups(done, {("sam", 1): SEEDS})
    halved = Search(tmp_path, one_method(halving={"rungs": [5], "keep": 0.5}))
    assert halved.searcher.suggest("any")["promote"] is None


def test_a_configuration_that_is_not_there_is_refused(done):
    with pytest.raises(UserError, match="there is no configuration 99 of sam to confirm"):
        groups(done, {("sam", 99): SEEDS})
