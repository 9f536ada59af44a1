"""An autoscaler that starts machines for groups that wait, and takes them away again: Ray's own, whose machines are processes here."""

import json
import re
import time

import pytest
from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

from tests.cluster.nodes import Command, until
from tests.faults import processes

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(420), pytest.mark.xdist_group("ray")]

STUDY = """
name: scaled
data: {name: digits, fraction: 0.2}
net: {name: mlp, width: 16}
training: {epochs: 120, batch: 16}
methods: {softad: {}, g-mix: {}}
seeds: 2
budget: {configurations: 8}
group: 4
"""


@pytest.fixture
def scaling(nodes, tmp_path, monkeypatch):
    """A head that trains nothing, and an autoscaler that may start two machines of one processor."""
    kinds = {"worker": {"resources": {"CPU": 1, "object_store_memory": 80 * 2**20}, "node_config": {}, "min_workers": 0, "max_workers": 2}}
    kinds["ray.head.default"] = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    config = {
        "cluster_name": "fake",
        "max_workers": 2,
        "upscaling_speed": 10,
        "idle_timeout_minutes": 0.1,
        "provider": {
            "type": "fake_multinode",
            "gcs_address": nodes.address,
            "head_node_id": FAKE_HEAD_NODE_ID,
            "launch_multiple": True,
            "use_node_id_as_ip": True,  # they share one
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "head_node_type": "ray.head.default",
        "available_node_types": kinds,
        "auth": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "setup_commands": [],
        "initialization_commands": [],
        "head_setup_commands": [],
        "worker_setup_commands": [],
        "head_start_ray_commands": [],
        "worker_start_ray_commands": [],
    }
    file = tmp_path / "autoscaling.json"
    file.write_text(json.dumps(config))
    for name, value in (
        ("RAY_FAKE_CLUSTER", "1"),
        ("AUTOSCALER_UPDATE_INTERVAL_S", "1"),
        ("RAY_OVERRIDE_NODE_ID_FOR_TESTING", FAKE_HEAD_NODE_ID),
        ("RAY_CLOUD_INSTANCE_ID", FAKE_HEAD_NODE_ID),
    ):
        monkeypatch.setenv(name, value)
    nodes.head(cpus=0, options=[f"--autoscaling-config={file}"])
    for name in ("RAY_OVERRIDE_NODE_ID_FOR_TESTING", "RAY_CLOUD_INSTANCE_ID"):
        monkeypatch.delenv(name)
    return nodes


def test_machines_are_started_for_groups_that_wait_and_go_when_none_do(scaling, tmp_path):
    file = tmp_path / "scaled.yaml"
    file.write_text(STUDY)

    def machines():
        """How many there are beside the head."""
        return len(processes.raylets(scaling.processes[1].pid)) - 1

    assert machines() == 0
    words = ("launch", str(file), "--home", str(tmp_path / "home"), "--address", scaling.address, "--json")
    driver = Command(tmp_path, *words, environment=scaling.environment)
    most = 0
    try:
        while driver.process.poll() is None:
            most = max(most, machines())
            time.sleep(0.5)
        assert driver.process.returncode == 0, driver.output[-3000:]
    finally:
        driver.kill()
    assert most >= 2, "on a busy machine one may be lost and replaced"
    logs = "".join(file.read_text() for file in scaling.folder.glob("1/session_2*/logs/monitor.log"))
    seen = [int(count) for count in re.findall(r"(\d+)\+ pending placement groups", logs)]
    assert max(seen) > 6, "all groups that wait, of which Tune shows two or three"
    trained = {group["process"] for event in driver.events("epoch") for group in event["status"]["groups"]}
    assert len(trained) >= 2, "both had a group"
    until(lambda: machines() == 0, 60, "machines that nobody needs stay")
