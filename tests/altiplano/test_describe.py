"""What `altiplano methods NAME` says."""

import io
import re

import pytest
from rich.console import Console

from altiplano.describe import _without_labels, detail
from trainables import methods
from trainables.methods import PRESETS, Axes


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        (PRESETS["mixup"], "InfoNCE for cross-entropy; knobs: alpha, mix_weight."),
        (PRESETS["erm"], "InfoNCE for cross-entropy; knobs: none."),
        (PRESETS["softad"], "knobs: theta, sigma; theta must be given, in nats of InfoNCE."),
        (PRESETS["automix"], "not there, since it trains its mixer on labels; nearest is samix, whose mixer has a form without them."),
        (Axes(mixing="mine:mixing"), "not there, since it computes losses of its own, which take labels."),
    ],
)
def test_a_method_says_whether_it_takes_part_without_labels(axes, words):
    assert _without_labels(axes).endswith(words)


def told(name: str, width: int = 200) -> str:
    """What is printed, on a wide terminal by default."""
    console = Console(file=io.StringIO(), width=width)
    console.print(detail(name))
    return console.file.getvalue()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_told_with_formula_knobs_cost_and_whence_it_comes(name):
    words = told(name)
    assert re.search(r"^    .*( = |mixer: )", words, re.MULTILINE), "a formula, indented"
    assert name == "erm" or re.search(r"read|derived|ours", words.split("Knobs")[0]), "whence the method comes"
    assert re.search(r"measured here on a small net: [\d.]+ forward and [\d.]+ backward pass", words)
    for knob in methods.make(PRESETS[name]).knobs:
        assert re.search(rf"^{knob.name} ", words, re.MULTILINE)
        assert re.search(r"read|derived|ours", knob.source), knob


def test_a_methods_three_choices_are_named_also_where_two_are_none():
    assert told("cvar").startswith("cvar: none x none x cvar\n")


def test_on_a_narrow_terminal_words_fill_their_lines_and_stay_within_their_indent():
    words = told("samix", 80).split("Knobs")[0]
    entries = words.split("Args:\n")[1].split("\n\n")[0].splitlines()
    assert {len(line) - len(line.lstrip()) for line in entries} == {4}
    first = entries[: next(place for place, line in enumerate(entries) if line.startswith("    mask_weight:"))]
    assert " ".join(line.strip() for line in first).endswith("or plain mixed cross-entropy as in the released code.")
    assert all(len(line) > 60 for line in first[:-1])
    assert "    authors' code, OpenMixup [read]." not in words
    assert "    then k <- m k + (1 - m) q" in words
