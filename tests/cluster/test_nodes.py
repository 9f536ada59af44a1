"""Studies over several nodes, some of which die and others join while they run."""

import os
import signal
import subprocess
import time

import pytest

from search.launch import status
from tests.cluster.nodes import Command
from tests.faults import verdict

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(420), pytest.mark.xdist_group("ray")]

STUDY = """
name: spread
data: {name: digits, fraction: 0.2, label_noise: 0.1}
net: {name: mlp, width: 24}
training: {epochs: 40, batch: 16}
methods: {g-mix: {}, softad: {}}
seeds: 2
budget: {configurations: 4}
group: 4
halving: {rungs: [15], keep: 0.5}
storage: {checkpoint_seconds: 1}
retries: 0
"""


def caught(driver, nodes, number):
    """Stop a node's worker in the middle of a group, so that it cannot end the group before the node is killed."""

    def middle():
        held = in_training(driver, nodes.workers(number))
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        heard = len(driver.events("epoch"))
        end = time.monotonic() + 20
        while held and time.monotonic() < end and len(driver.events("epoch")) < heard + 3:
            time.sleep(0.2)  # what it had sent before arrives
        if held & in_training(driver, nodes.workers(number)):
            return True
        for pid in held:
            os.kill(pid, signal.SIGCONT)
        return False

    driver.wait_for(middle, 180, "a group in the middle of its training")


def in_training(command, workers):
    """Which of these processes train a group now, as far as has been reported."""
    epochs = command.events("epoch")
    return {group["process"] for group in epochs[-1]["status"]["groups"] if group["epoch"]} & set(workers) if epochs else set()


def test_a_study_outlives_a_node_takes_in_another_and_ends_as_on_one_machine(nodes, tmp_path):
    file = tmp_path / "spread.yaml"
    file.write_text(STUDY)
    nodes.head()
    nodes.join(2)
    nodes.join(3)
    driver = Command(
        tmp_path, "launch", str(file), "--home", str(tmp_path / "home"), "--address", nodes.address, "--json", environment=nodes.environment
    )
    try:
        caught(driver, nodes, 2)
        nodes.kill(2)
        nodes.join(4)
        assert driver.ended(300) == 0, driver.output[-3000:]
    finally:
        driver.kill()
    assert status("spread", tmp_path / "home").complete
    verdict.check("spread", tmp_path / "home")
    notes = [event["text"] for event in driver.events("note")]
    assert any("its machine is gone" in text for text in notes), (notes, driver.events("failed"))
    assert driver.events("failed") == [], "a machine that dies is no failure of its group"


def test_a_machine_that_does_not_see_the_home_is_named_at_launch_and_when_it_joins(nodes, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    blind = hiding(home)
    file = tmp_path / "spread.yaml"
    file.write_text(STUDY)
    nodes.head()
    nodes.join(2, within=blind)
    begin = ("launch", str(file), "--home", str(home), "--address", nodes.address)
    refused = Command(tmp_path, *begin, environment=nodes.environment)
    assert refused.ended(120) == 2, refused.output
    assert "every machine of the cluster must read and write the study's home" in refused.output
    assert f"127.0.0.2): it does not see {home}/spread/.probe/driver" in refused.output
    assert "127.0.0.1" not in refused.output
    assert "Traceback" not in refused.output

    nodes.kill(2)
    driver = Command(tmp_path, "resume", "spread", "--home", str(home), "--address", nodes.address, "--json", environment=nodes.environment)
    try:
        driver.wait_for(lambda: driver.events("epoch"), 120, "a group in training")
        nodes.join(3, within=blind)
        assert driver.ended(120) == 2, driver.output[-3000:]
    finally:
        driver.kill()
    assert "127.0.0.3): it does not see" in driver.output
    assert list((home / "spread/checkpoints").iterdir()), "what was in training is saved"


def hiding(folder):
    """A command under which a folder looks empty, as on a machine that does not mount it; skips where that needs more rights."""
    command = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(folder)]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs the right to make mount namespaces: unshare --mount")
    return command
