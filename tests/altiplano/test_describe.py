"""What `altiplano methods NAME` says of training without labels."""

import pytest

from altiplano.describe import _without_labels
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
