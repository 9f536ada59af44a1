"""`scenario` in a study file: what it brings, and what is refused with the reason and the nearest that can."""

import pytest

from search import evolve
from search.errors import Fault, StudyError
from search.page import Group
from search.searcher import job
from search.study import Study
from trainables.job import Configuration

TEXT = """\
name: mine
scenario: {name: contrastive, host: moco}
data: {name: digits, augment: {shift: 1}}
net: {name: cnn}
methods: {mixup: {}, samix: {}, sam: {}}
"""


def faults(text):
    with pytest.raises(StudyError) as raised:
        Study.parse(text, "file")
    return raised.value.faults


def with_(methods):
    return TEXT.replace("{mixup: {}, samix: {}, sam: {}}", methods)


def test_a_scenario_is_written_out_with_every_default_and_reads_back_the_same():
    study = Study.parse(TEXT)
    expected = {"name": "contrastive", "host": "moco", "temperature": 0.2, "queue": 1024, "momentum": 0.99, "projection": 64}
    assert study.scenario == expected
    assert Study.parse(study.dump()) == study
    assert Study.parse(TEXT.replace("{name: contrastive, host: moco}", "contrastive")).scenario["host"] == "simclr"
    assert Study.parse("name: mine\nmethods: {mixup: {}}").scenario == {"name": "supervised"}


def test_methods_have_the_knobs_and_options_of_the_scenario():
    study = Study.parse(TEXT)
    assert set(study.spaces["mixup"].distributions) == {"alpha", "mix_weight"}
    assert study.methods["samix"]["local_weight"] == 0.5
    assert "generation" not in study.methods["samix"]
    assert list(study.spaces) == ["erm", "mixup", "samix", "sam"]


def test_a_worker_is_told_the_scenario():
    study = Study.parse(TEXT)
    told = job(study, Group("mixup-0000", "mixup", (Configuration(0, {}),), (0,)), "home")
    assert told.scenario == study.scenario


@pytest.mark.parametrize(
    ("methods", "path", "words"),
    [
        ("{synermix: {}}", "methods.synermix.mixing", "cannot be synermix in this scenario: it mixes features within a class"),
        ("{automix: {}}", "methods.automix.mixing", "nearest is samix"),
        ("{samix-p: {}}", "methods.samix-p.mixing", "nearest is samix, which trains its own"),
        ("{lets-sam: {}}", "methods.lets-sam.perturbation", "nearest is sam, its radius searched"),
        ("{bg-mix: {}}", "methods.bg-mix.perturbation", "nearest is dg-mix"),
        ("{sharpdro: {}}", "methods.sharpdro.perturbation", "nearest is sam"),
        ("{altiplano: {}}", "methods.altiplano.perturbation", "cannot be lets-asam"),
        ("{flooding: {}}", "methods.flooding.flood", "must be given: its own range is meant for cross-entropy"),
        ("{softad: {}}", "methods.softad.theta", "must be given"),
        ("{samix: {generation: mce}}", "methods.samix.generation", "is no knob or option of samix"),
        ("{mixup: {label_smoothing: 0.1}}", "methods.mixup.label_smoothing", "trains without labels"),
    ],
)
def test_what_has_no_meaning_without_labels_is_refused_with_the_reason(methods, path, words):
    found = [fault for fault in faults(with_(methods)) if fault.path == path]
    assert len(found) == 1
    assert words in found[0].message
    assert found[0].line == 5


@pytest.mark.parametrize(
    "methods", ["{asam: {}}", "{cvar: {}}", "{tilted: {}}", "{flooding: {flood: [1, 4]}}", "{a: {mixing: cutmix, perturbation: dg-mix}}"]
)
def test_what_needs_no_labels_is_taken(methods):
    assert len(Study.parse(with_(methods)).spaces) == 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "contrastive",
            "contrastiv",
            Fault("scenario.name", "must be one of supervised, contrastive, got 'contrastiv'; did you mean contrastive?", 2),
        ),
        ("host: moco", "host: byol", Fault("scenario.host", "must be one of simclr, moco, got 'byol'", 2)),
        ("host: moco", "queue: many", Fault("scenario.queue", "must be a whole number, got 'many'", 2)),
        ("host: moco", "temprature: 1.0", Fault("scenario.temprature", "is unknown; did you mean temperature?", 2)),
        ("host: moco", "temperature: 0", Fault("scenario.temperature", "must lie in [0.001, 100], got 0; 0.2 is usual on small data", 2)),
        ("host: moco", "momentum: 2", Fault("scenario.momentum", "must lie in [0, 1], got 2; 0.99 to 0.999 is usual", 2)),
        ("host: moco", "projection: 1", Fault("scenario.projection", "must be 2 or more, got 1", 2)),
        (
            "{name: contrastive, host: moco}",
            "7",
            Fault("scenario", "must be supervised or contrastive, or keys with a name, as in {name: contrastive, host: moco}, got 7", 2),
        ),
    ],
)
def test_a_scenario_at_fault_is_named_with_its_line(old, new, expected):
    assert faults(TEXT.replace(old, new)) == [expected]


def test_two_views_that_cannot_differ_are_refused():
    for data in ("{name: digits}", "{name: digits, augment: {shift: 0}}"):
        (fault,) = faults(TEXT.replace("{name: digits, augment: {shift: 1}}", data))
        assert fault.path == "data.augment"
        assert "must say how two views of a picture may differ in a contrastive study" in fault.message


def test_label_smoothing_is_refused():
    (fault,) = faults(TEXT + "training: {label_smoothing: [0.0, 0.1]}\n")
    assert fault.path == "training.label_smoothing"


def test_the_scenario_may_not_change_in_a_study_s_life():
    study = Study.parse(TEXT)
    with pytest.raises(StudyError, match="scenario: may not change from"):
        evolve.compare(study, evolve.extended(study, changes={"scenario.host": "simclr"}))
