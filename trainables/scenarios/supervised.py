"""Training with labels."""

from trainables.engine.judging import LABELLED
from trainables.methods import MIXINGS
from trainables.scenarios.scenario import Scenario


def supervised() -> Scenario:
    """Classifiers, trained with labels."""
    return Scenario(MIXINGS, LABELLED)
