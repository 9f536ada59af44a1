"""A method is refused where its surroundings lack what it needs, and told what would do."""

import pytest

from trainables import methods
from trainables.requirements import REQUIREMENTS, Surroundings, obstacles

EVERYTHING = Surroundings(spatial=True, image=True, groups=4, mixes=True, mixer=True)
ASKING = {
    "mixer": {"mixer": False},
    "spatial": {"spatial": False},
    "image": {"image": False},
    "group": {"groups": 1},
    "mixing": {"mixes": False},
    "probe": {"probe": False},
}


@pytest.mark.parametrize("need", ASKING)
def test_an_unmet_need_is_the_one_obstacle_and_says_what_to_do(need):
    plain = methods.make(methods.PRESETS["erm"])
    method = plain._replace(mixing=plain.mixing._replace(needs=frozenset(REQUIREMENTS)))
    assert obstacles(method, EVERYTHING) == []
    assert obstacles(method, EVERYTHING._replace(**ASKING[need])) == [REQUIREMENTS[need].otherwise]


@pytest.mark.parametrize("name", methods.PRESETS)
def test_every_preset_asks_only_for_what_can_be_checked(name):
    assert obstacles(methods.make(methods.PRESETS[name]), EVERYTHING) == []
