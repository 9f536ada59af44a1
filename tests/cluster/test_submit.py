"""A study that is submitted to a head's job server from outside, left alone, and found again."""

import pytest

from search.launch import status
from tests.cluster.nodes import Command

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.xdist_group("ray")]

STUDY = """
name: away
data: {name: digits, fraction: 0.2}
net: {name: mlp, width: 8}
training: {epochs: 2, batch: 32}
methods: {mixup: {}}
seeds: 2
budget: {configurations: 2}
group: 2
"""


def test_a_submitted_study_runs_to_its_end_and_is_found_again_by_name(nodes, tmp_path):
    file, home = tmp_path / "away.yaml", tmp_path / "home"
    file.write_text(STUDY)
    nodes.head(cpus=2, dashboard=True)
    server = ("--address", f"http://127.0.0.1:{nodes.dashboard}")

    def said(*words, environment=nodes.environment, code=0):
        command = Command(tmp_path, *words, *server, environment=environment)
        assert command.ended(120) == code, command.output
        assert "Traceback" not in command.output
        assert nodes.secret not in command.output, "a token is never printed"
        return command.output

    wrong = {**nodes.environment, "RAY_AUTH_TOKEN": "0" * 64}
    assert "the cluster must be shown its token" in said("submit", str(file), "--home", str(home), environment=wrong, code=2)
    assert "altiplano logs away --address http" in said("submit", str(file), "--home", str(home), "--detach")
    assert "away" in said("logs", "away"), "what it prints is followed to its end"
    assert status("away", home).complete
    assert '"name": "away"' in said("status", "away", "--json")
    kept = [path for path in home.rglob("*") if path.is_file() and nodes.secret.encode() in path.read_bytes()]
    assert not kept, "no token in the study's folder"
