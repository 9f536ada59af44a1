"""Clusters of several kinds of devices."""

import json
import time

import pytest

from tests.cluster.nodes import Command

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(420), pytest.mark.xdist_group("ray")]

STUDY = """
name: kinds
data: {name: digits, fraction: 0.2}
net: {name: mlp, width: 8}
training: {epochs: 200, batch: 16}
methods: {softad: {}}
seeds: 2
budget: {configurations: 16}
resources: {cpu: 1, gpu: 0.5}
"""
"""Ray takes our word for a GPU; what is trained where there is none is trained on the CPU."""


def test_each_kind_of_device_trains_groups_of_its_own_size_and_two_halves_of_a_gpu_train_two_groups(nodes, tmp_path):
    file, home = tmp_path / "kinds.yaml", tmp_path / "home"
    file.write_text(STUDY)
    (home / "kinds").mkdir(parents=True)
    (home / "kinds/sizes.json").write_text(json.dumps({"BIG": {"erm": 2, "softad": 8}}))  # the other is timed
    nodes.head(cpus=0)
    nodes.join(2, cpus=4, options=["--num-gpus=1", '--resources={"accelerator_type:BIG": 1}'])
    nodes.join(3, cpus=1, options=["--num-gpus=1", '--resources={"accelerator_type:OTHER": 1}'])
    driver = Command(
        tmp_path, "launch", str(file), "--home", str(home), "--address", nodes.address, "--json", environment=nodes.environment
    )
    workers, together = {}, {2: 0, 3: 0}
    try:
        while driver.process.poll() is None:
            for number in (2, 3):
                there = nodes.workers(number)
                workers |= dict.fromkeys(there, number)
                together[number] = max(together[number], len(there))
            time.sleep(0.5)
        assert driver.process.returncode == 0, driver.output[-3000:]
    finally:
        driver.kill()
    assert together == {2: 2, 3: 1}, "a half of a GPU each on the one, a processor each on the other"
    assert [event["text"] for event in driver.events("note") if "timing" in event["text"]] == ["timing groups of every method on OTHER"]
    asked = {event["text"].split(":")[0]: int(event["text"].split(": ")[1].split()[0]) for event in driver.events("asked")}
    where = {group["name"]: workers.get(group["process"]) for event in driver.events("epoch") for group in event["status"]["groups"]}
    big = [asked[name] for name, number in where.items() if number == 2 and name.startswith("softad")]
    assert big, (asked, where)
    assert set(big) <= {4, min(asked.values())}, "eight members are four configurations; the budget's rest may be fewer"
    other = [asked[name] for name, number in where.items() if number == 3 and name.startswith("softad")]
    sizes = json.loads((home / "kinds/sizes.json").read_text())
    assert max(other, default=0) <= sizes["OTHER"]["softad"] // 2
