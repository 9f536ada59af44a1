"""An exported configuration is a study file that may be launched again."""

from altiplano.export import as_method
from search.page import Group
from search.searcher import job
from search.study import Study
from trainables.job import Configuration

TEXT = """\
name: mine
scenario: {name: contrastive, host: moco, temperature: 0.1}
data: {name: digits, augment: {shift: 1}}
net: {name: cnn}
methods: {mixup: {}}
"""


def test_a_configuration_trained_without_labels_keeps_its_scenario():
    study = Study.parse(TEXT)
    numbers = {"alpha": 0.5, "mix_weight": 0.7, "lr": 0.1, "weight_decay": 0.0, "label_smoothing": 0.0}
    written = as_method(study, job(study, Group("export", "mixup", (Configuration(3, numbers),), (0,)), "home"))
    again = Study.parse(written)
    assert again.scenario == study.scenario
    assert again.spaces["mixup"].numbers({}) == numbers
