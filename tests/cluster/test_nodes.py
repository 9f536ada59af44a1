"""Studies over several nodes, some of which die and others join while they run."""

import os
import signal
import subprocess
import time

import pytest

from search.homes import find
from search.launch import status
from tests.cluster.nodes import Command
from tests.faults import verdict
from tests.faults.loss import epoch_of
from trainables import evidence

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600), pytest.mark.xdist_group("ray")]

STUDY = """
name: spread
data: {name: digits, fraction: 0.2, label_noise: 0.1}
net: {name: mlp, width: 24}
training: {epochs: 240, batch: 16}
methods: {g-mix: {}, softad: {}}
seeds: 2
budget: {configurations: 6}
sampler: random
group: 4
halving: {rungs: [15], keep: 0.5}
storage: {checkpoint_seconds: 0.2}
retries: 0
"""
"""Random: what is tried does not depend on who ends first, so that two runs of it can be compared member by member."""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "spread.yaml"
    path.write_text(STUDY)
    return path


def test_a_study_outlives_a_node_takes_in_another_and_ends_as_on_one_machine(nodes, file, tmp_path):
    nodes.head()
    nodes.join(2, 3)
    words = ("launch", str(file), "--home", str(tmp_path / "home"), "--address", nodes.address, "--json")
    driver = Command(tmp_path, *words, environment=nodes.environment)
    twin = None
    try:
        held = caught(driver, nodes, (1, 2, 3))
        lost = held[2]
        saved = epoch_of(tmp_path / f"home/spread/checkpoints/{lost}.pt")
        assert saved, "a checkpoint was due"
        nodes.kill(2)
        twin = Command(tmp_path, "launch", str(file), "--home", str(tmp_path / "alone"), "--quiet")
        nodes.join(4)  # the one place that is free: the groups of the other two nodes stand still
        driver.wait_for(lambda: in_training(driver, nodes.workers(4)), 180, "a group on the node that joined")
        go_on(nodes.workers(1) + nodes.workers(3))
        assert driver.ended(300) == 0, driver.output[-3000:]
        assert twin.ended(300) == 0, twin.output
    finally:
        driver.kill()
        if twin:
            twin.kill()
    assert len(driver.events()) == len(driver.output.splitlines()), "nothing of Ray's own gets between what is printed"
    notes = [event["text"] for event in driver.events("note")]
    assert f"{lost}: its machine is gone; going on elsewhere from its last checkpoint" in notes
    assert driver.events("failed") == [], "a machine that dies is no failure of its group"
    assert min(after(driver, lost)) > saved, "nothing that a checkpoint holds is trained again"
    assert status("spread", tmp_path / "home").complete
    verdict.in_order("spread", tmp_path / "home")
    verdict.same(*(members(tmp_path / folder) for folder in ("home", "alone")))


def test_a_machine_that_does_not_see_the_home_is_named_when_it_joins_and_at_launch(nodes, file, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    blind = hiding(home)
    nodes.head()
    words = ("launch", str(file), "--home", str(home), "--address", nodes.address)
    driver = Command(tmp_path, *words, "--json", "--set", "training.epochs=3000", environment=nodes.environment)
    try:
        driver.wait_for(lambda: driver.events("epoch"), 120, "a group in training")
        nodes.join(2, within=blind)
        assert driver.ended(120) == 1, driver.output[-3000:]
    finally:
        driver.kill()
    assert f"127.0.0.2): it does not see {home}/spread/.probe/driver" in driver.output
    assert "then go on with `altiplano resume spread`" in driver.output
    assert list((home / "spread/checkpoints").iterdir()), "what was in training is saved"

    refused = Command(tmp_path, *words, "--set", "name=other", environment=nodes.environment)
    assert refused.ended(120) == 2, refused.output
    assert refused.output.startswith(f"{home}/other: every machine of the cluster must read and write the study's home; ")
    assert f"127.0.0.2): it does not see {home}/other/.probe/driver" in refused.output
    assert "127.0.0.1" not in refused.output
    assert len(refused.output.splitlines()) == 1
    assert [path.name for path in home.iterdir()] == ["spread"], "nothing is there of a study whose launch was refused"


def caught(driver, nodes, numbers):
    """The group that each of these nodes trains, stopped in the middle: it cannot end before its node is killed or told to go on."""
    found = {}

    def middle():
        workers = {number: nodes.workers(number) for number in numbers}
        everyone = [pid for group in workers.values() for pid in group]
        if len(in_training(driver, everyone)) < len(numbers):
            return False
        for pid in everyone:
            os.kill(pid, signal.SIGSTOP)
        silence(driver)  # what had been sent before arrives
        found.update({number: group for number in numbers for group in in_training(driver, workers[number]).values()})
        if len(found) < len(numbers):
            found.clear()
            go_on(everyone)
        return found

    driver.wait_for(middle, 180, "groups in the middle of their training")
    return found


def go_on(workers):
    """Let stopped processes go on."""
    for pid in workers:
        os.kill(pid, signal.SIGCONT)


def silence(driver):
    """Wait until a driver has said nothing for a while."""
    heard, since = -1, 0.0
    while time.monotonic() - since < 2:
        if len(driver.output) != heard:
            heard, since = len(driver.output), time.monotonic()
        time.sleep(0.1)


def in_training(command, workers):
    """Which of these processes train which group now, as far as has been reported."""
    said = command.events()
    groups = said[-1]["status"]["groups"] if said else []
    return {group["process"]: group["name"] for group in groups if group["epoch"] and group["process"] in workers}


def after(command, group):
    """Epochs that were reported of a group after its machine had gone."""
    said = [event["text"] for event in command.events("note", "epoch") if event["text"].startswith(f"{group}:")]
    gone = next(number for number, text in enumerate(said) if "its machine is gone" in text)
    return [int(text.rpartition(" ")[2]) for text in said[gone + 1 :]]


def members(home):
    """What every member of the study has left."""
    place = find("spread", home)[1]
    there = [one for name in place.names("evidence") for one in evidence.read(place.at(f"evidence/{name}"))]
    return sorted(there, key=lambda one: (one.method, one.configuration, one.seed))


def hiding(folder):
    """A command under which a folder looks empty, as on a machine that does not mount it; skips where that needs more rights."""
    command = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(folder)]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs the right to make mount namespaces: unshare --mount")
    return command
