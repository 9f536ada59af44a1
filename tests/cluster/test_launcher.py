"""Ray's own launcher with the project's cluster.yaml, over SSH; `python -m tests.cluster.launcher` is the same as one command."""

import pytest

from tests.cluster.launcher import tell
from tests.cluster.machines import LackingError

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800), pytest.mark.xdist_group("ray")]


def test_a_study_is_launched_loses_a_machine_and_is_resumed_on_a_cluster_that_ray_up_brings_up(tmp_path):
    try:
        tell(tmp_path)
    except LackingError as reason:
        pytest.skip(str(reason))
