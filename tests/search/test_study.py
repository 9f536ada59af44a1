import pytest

from search.errors import StudyError, UserError
from search.study import Study

TEXT = """\
name: mine
data: {name: digits, label_noise: 1e-1}
net: {name: mlp, width: 32}
training: {epochs: 6, lr: [1e-2, 1]}
methods:
  g-mix: {alpha: [0.05, 4], rho: 0.1}
  softad:
  free: {mixing: mixup, perturbation: sam, criterion: softad}
"""


def faults(text):
    with pytest.raises(StudyError) as raised:
        Study.parse(text, "file")
    return str(raised.value).splitlines()


def test_a_study_is_read_with_erm_first_and_every_default():
    study = Study.parse(TEXT)
    assert list(study.methods) == ["erm", "g-mix", "softad", "free"]
    assert study.data["label_noise"] == 0.1
    assert (study.seeds, study.tail, study.sampler, study.budget.configurations) == (3, "worst-class", "tpe", 24)
    assert study.methods["free"] == {
        "mixing": "mixup",
        "perturbation": "sam",
        "criterion": "softad",
        **{name: study.methods["free"][name] for name in ("alpha", "rho", "theta", "sigma")},
    }


def test_what_is_written_out_reads_back_the_same():
    study = Study.parse(TEXT)
    again = Study.parse(study.dump())
    assert again == study
    assert again.dump() == study.dump()
    for key in ("momentum: 0.9", "warmup:", "retries: 2", "keep:"):
        assert key in study.dump()


def test_a_range_under_training_is_a_knob_of_every_method():
    study = Study.parse(TEXT)
    assert all("lr" in space.distributions for space in study.spaces.values())
    assert study.budget_of("erm") == 24


def test_a_method_without_a_knob_has_a_budget_of_one():
    study = Study.parse(TEXT.replace("lr: [1e-2, 1]", "lr: 0.1"))
    assert study.budget_of("erm") == 1
    assert study.budget_of("g-mix") == 24


def test_changes_from_outside_replace_what_the_file_says():
    study = Study.parse(TEXT, changes={"budget.configurations": "3", "training.lr": "5e-2", "methods.sam.rho": "[1e-2, 1e-1]"})
    assert study.budget.configurations == 3
    assert study.training.lr == 0.05
    assert study.methods["sam"]["rho"] == [0.01, 0.1]


def test_every_fault_is_named_at_once_with_its_line():
    wrong = (
        TEXT.replace("width: 32", "widht: 32").replace("rho: 0.1", "rho: -9, roh: 1").replace("softad:\n", "sotfad:\n")
        + "seeds: 0\nobjectives: [acc]\n"
    )
    found = faults(wrong)
    assert [line.split(": ")[1] for line in found] == [
        "line 3, net.widht",
        "line 6, methods.g-mix.roh",
        "line 6, methods.g-mix.rho",
        "line 7, methods.sotfad",
        "line 9, seeds",
        "line 10, objectives.0",
    ]
    assert all(line.startswith("file: ") for line in found)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("buget: {configurations: 3}", ["buget", "did you mean budget?"]),
        ("budget: {configuration: 3}", ["budget.configuration", "did you mean configurations?"]),
        ("budget: {configurations: 0}", ["budget.configurations", "greater than or equal to 1", "got 0"]),
        ("budget: 3", ["budget", "keys and values"]),
        ("seeds: 1", ["seeds", "2 or more", "stability"]),
        ("seeds: 2.5", ["seeds", "whole number", "2.5"]),
        ("sampler: tep", ["sampler", "'tpe'", "'tep'"]),
        ("tail: cvar(2)", ["tail", "cvar(a)"]),
        ("objectives: [tail, tail]", ["objectives", "once"]),
        ("halving: {rungs: [2, 9]}", ["halving.rungs", "before the last epoch, 6"]),
        ("halving: {rungs: [4, 2]}", ["halving.rungs", "must rise"]),
        ("halving: {rungs: [2], keep: 1.5}", ["halving.keep", "less than or equal to 1"]),
        ("group: many", ["group", "'auto'", "whole number", "'many'"]),
        ("resources: {cpu: 0}", ["resources.cpu", "greater than 0"]),
        ("qqq: x", ["qqq", "known are", ", from, "]),
        ("resources: {cpu: .inf}", ["resources.cpu", "finite number"]),
    ],
)
def test_a_fault_says_what_must_hold_and_what_was_given(line, words):
    found = faults(TEXT + line + "\n")
    assert len(found) == 1
    for word in words:
        assert word in found[0]


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("name: digits", "name: digist", ["line 2", "digits"]),
        ("label_noise: 1e-1", "label_noise: 1.5", ["data.label_noise", "1.5"]),
        ("label_noise", "label_nois", ["data.label_nois", "label_noise"]),
        ("epochs: 6", "epochs: 0", ["training.epochs", "got 0"]),
        ("epochs: 6", "optimizer: sdg", ["training.optimizer", "sgd, adamw"]),
        ("epochs: 6", "optimizer: [sgd]", ["training.optimizer", "must be text, got ['sgd']"]),
        ("[1e-2, 1]", "[1, 1e-2]", ["training.lr", "low to high"]),
        ("name: mine", "name: a/b", ["line 1, name", "letters"]),
        ("name: mine\n", "", ["must have the key name"]),
        ("width: 32", "width: -3", ["net.width", "at least 1"]),
    ],
)
def test_a_wrong_value_anywhere_is_one_line(right, wrong, words):
    found = faults(TEXT.replace(right, wrong, 1))
    assert len(found) == 1
    for word in words:
        assert word in found[0]


def test_what_was_given_is_that_of_the_key_and_not_of_one_that_begins_alike():
    found = faults(TEXT + "seeds: 0\nseed: -1\n")
    assert [line.rpartition(", got ")[2] for line in found] == ["0", "-1"]


@pytest.mark.parametrize("method", ["{mixing: [mixup]}", "{mixing: mixup, criterion: {softad: 1}}"])
def test_a_choice_that_is_no_word_is_refused(method):
    with pytest.raises(StudyError, match=r"methods.mine.\w+: must be one of .*, or module:object, got"):
        Study.parse(f"name: x\nmethods: {{mine: {method}}}\n")


def test_a_study_made_in_python_is_held_to_the_same():
    with pytest.raises(StudyError, match="did you mean alpha"):
        Study(name="mine", methods={"mixup": {"alhpa": 1}})


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.yaml: the study file cannot be read"):
        Study.read(tmp_path / "nothing.yaml")
