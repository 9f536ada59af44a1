"""How a member is trained beside its method: numbers that may be searched, and the structure that a study fixes."""

from typing import Any

from trainables.knob import Knob

LR = Knob(
    "lr",
    search=(0.005, 0.5),
    default=0.1,
    legal=(1e-8, 100.0),
    log=True,
    meaning="learning rate before the schedule",
    source="ours",
)
WEIGHT_DECAY = Knob(
    "weight_decay",
    search=(1e-5, 1e-1),
    default=5e-4,
    legal=(0.0, 10.0),
    log=True,
    meaning="decoupled weight decay: weights shrink by lr * weight_decay a step",
    source="ours",
)
LABEL_SMOOTHING = Knob(
    "label_smoothing",
    search=(0.0, 0.3),
    default=0.0,
    legal=(0.0, 1.0),
    meaning="share of each label spread evenly over the classes",
    source="Szegedy 2016, section 7: 0.1 on ImageNet [read]; range ours",
)
TRAINING_KNOBS = (LR, WEIGHT_DECAY, LABEL_SMOOTHING)
"""Numbers of the training itself: fixed by default, a knob of every method where a study gives a range."""

TRAINING: dict[str, Any] = {
    "epochs": 30,
    "batch": 64,
    "optimizer": "sgd",
    "momentum": 0.9,
    "nesterov": False,
    "schedule": "cosine",
    "warmup": 0.0,
}
"""The structure of training with its defaults; fixed for a whole study. `warmup` is a share of all steps."""
