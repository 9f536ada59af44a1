import pytest

from search.errors import StudyError
from search.evolve import compare, extended
from tests.search import fakes


def refused(before, **changes):
    with pytest.raises(StudyError) as raised:
        compare(before, fakes.study(**changes))
    return [fault.path for fault in raised.value.faults]


def test_nothing_changed_is_no_change():
    assert not compare(fakes.study(), fakes.study())
    assert extended(fakes.study()) == fakes.study()


def test_more_configurations_and_more_seeds_are_an_extension():
    before = fakes.study()
    after = extended(before, configurations=9, seeds=4)
    assert (after.budget.configurations, after.seeds) == (9, 4)
    lines = compare(before, after).lines
    assert lines[0].startswith("seeds: 2 to 4")
    assert "budget: configurations 6 to configurations 9" in lines


def test_other_ranges_another_method_and_another_sampler_are_told():
    before = fakes.study()
    after = extended(before, changes={"methods.sam.rho": "[1e-3, 2]", "methods.softad": "{}", "sampler": "random"})
    lines = compare(before, after).lines
    assert [line.split(":")[0] for line in lines] == ["methods.sam.rho", "methods.softad", "sampler"]
    assert "[0.01, 1.0] to [0.001, 2.0]" in lines[0]
    assert "new, 6 configurations" in lines[1]


def test_what_may_not_change_is_refused_all_at_once():
    other = {
        "data": {"name": "digits", "label_noise": 0.1},
        "net": {"name": "cnn"},
        "training": {"epochs": 7, "optimizer": "adamw"},
        "objectives": ["accuracy"],
        "tail": "cvar(.1)",
        "seeds": 1,
        "methods": {"mixup": {}},
    }
    expected = ["data.label_noise", "net.name", "training.epochs", "training.optimizer", "objectives", "tail", "seeds", "methods.sam"]
    assert refused(fakes.study(), **other) == expected


def test_a_fixed_number_of_training_stays_and_a_range_may_become_another():
    """ERM is one configuration, which has been trained with the number as it was."""
    before = fakes.study(training={"lr": 0.1, "weight_decay": [1e-5, 1e-3]})
    assert refused(before, training={"lr": 0.3, "weight_decay": [1e-5, 1e-3]}) == ["training.lr"]
    assert compare(before, fakes.study(training={"lr": 0.1, "weight_decay": [1e-6, 1e-3]}))


def test_neither_the_ledger_nor_the_earlier_study_is_changed_in_the_study_file():
    before = fakes.study()
    for changes, path in (({"ledger": "sqlite:///other.db"}, "ledger"), ({"from": "earlier"}, "from")):
        with pytest.raises(StudyError) as raised:
            compare(before, extended(before, changes=changes))
        assert [fault.path for fault in raised.value.faults] == [path]


def test_a_method_may_not_become_another_one():
    before = fakes.study(methods={"mine": {"mixing": "mixup"}})
    assert refused(before, methods={"mine": {"mixing": "cutmix"}}) == ["methods.mine.mixing"]


def test_what_comes_of_a_change_must_be_a_study():
    with pytest.raises(StudyError, match="did you mean rho"):
        extended(fakes.study(), changes={"methods.sam.roh": "1"})
