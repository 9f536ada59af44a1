"""What a user does from `ray up` to a report, one thing after the other, and what must hold on the way."""

import json
import os
import re
import signal
import sys
import time

from search.errors import UserError
from search.launch import status
from tests.cluster.laptop import Client, furnished
from tests.cluster.machines import ROOT, STUDIES
from tests.cluster.nodes import until
from tests.cluster.site import Site
from tests.faults import processes, verdict

STUDY = """
name: story
data: {name: "mine:pictures", label_noise: 0.1}
net: {name: mlp, width: 24}
training: {epochs: 1000, batch: 16}
methods: {mine: {criterion: "mine:tilted"}}
seeds: 2
budget: {configurations: 10}
sampler: random
group: 4
halving: {rungs: [40], keep: 0.5}
storage: {checkpoint_seconds: 1}
"""

MINE = '''
"""Data and a criterion of the user's own."""

from trainables.criterion.tilted import tilted
from trainables.data.digits import digits


def pictures():
    """A third of the digits."""
    found = digits()
    return {"x": found.x[::3], "y": found.y[::3]}
'''

CLUSTER = ("--cluster", "cluster.yaml")


class Story:
    """What a user does, one thing after the other.

    Args:
        site: The machines, of which the laptop is on.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.began = time.monotonic()

    def tell(self) -> None:
        """All of it."""
        self.set_up()
        self.up()
        self.launch_and_close_the_laptop()
        self.lose_the_worker()
        self.down()
        self.site.on("worker", 2)
        self.up()
        self.resume()
        self.report()
        self.down()

    def set_up(self) -> None:
        """The project and its cluster.yaml on the laptop, a study beside them, a token."""
        place = furnished(self.site, self.site.on("head", 1), self.site.on("worker", 2))
        (place / "story.yaml").write_text(STUDY)
        (place / "mine.py").write_text(MINE)
        self.run("ray", "get-auth-token", "--generate")
        self.token = (place.parent / ".ray/auth_token").read_text().strip()

    def up(self) -> None:
        """`ray up`, until the worker is there, too: the head's log says when."""
        self.run("ray", "up", "cluster.yaml", "--yes", seconds=900)
        begun = time.monotonic()
        here = "until grep -q up-to-date /tmp/ray/session_latest/logs/monitor.out; do sleep 1; done"
        self.run("ray", "exec", "cluster.yaml", here, seconds=900)
        self.say(f"the worker has come after another {time.monotonic() - begun:.0f} s")

    def launch_and_close_the_laptop(self) -> None:
        """Submit, and go away while groups are in the middle of their training; what runs where is asked afterwards."""
        client = self.client("altiplano", "submit", "story.yaml", *CLUSTER, "--home", STUDIES)
        client.says("story is submitted as raysubmit_")
        until(self.caught, 240, "groups on both machines")
        client.kill()
        self.say("groups on both machines; the laptop is closed")
        asked = json.loads(self.run("altiplano", "status", "story", *CLUSTER, "--json"))
        assert {"head", "worker"} <= {group["host"] for group in asked["groups"]}, asked
        assert "the cluster runs it already" in self.run("altiplano", "submit", "story.yaml", *CLUSTER, "--home", STUDIES, code=2)

    def caught(self) -> bool:
        """Whether both machines train groups, which are then stopped where they are: they end neither before the laptop nor the worker."""
        if not {"head", "worker"} <= self.hosts():
            return False
        workers = self.workers("head") + self.workers("worker")
        signalled(workers, signal.SIGSTOP)
        time.sleep(3)  # what they had sent before arrives
        if {"head", "worker"} <= self.hosts():
            return True
        signalled(workers, signal.SIGCONT)
        return False

    def lose_the_worker(self) -> None:
        """Cut its power, see that what it had goes on, and stop the study."""
        lost = [group.name for group in status("story", self.site.studies).groups if group.host == "worker"]
        follower = self.client("altiplano", "logs", "story", *CLUSTER)
        follower.says("of 11 configurations")
        self.site.off("worker")
        follower.says("its machine is gone; going on elsewhere from its last checkpoint")
        stopping = self.client("altiplano", "logs", "story", "--stop", *CLUSTER)
        follower.says("finishing the epoch and saving")
        signalled(self.workers("head"), signal.SIGCONT)
        for client in (stopping, follower):
            assert client.ended() == 3, client.output
            assert any(f"{name}: its machine is gone" in client.output for name in lost), (lost, client.output)
            assert "everything is saved; go on with: altiplano resume story" in client.output
            assert not re.search("Traceback|aylet", client.output), client.output
        assert not status("story", self.site.studies).complete
        self.say("the worker is lost, its groups went on, and the study is stopped")

    def down(self) -> None:
        """`ray down`; no machine that is on runs a node of Ray then."""
        self.run("ray", "down", "cluster.yaml", "--yes")
        on = [machine.process.pid for name, machine in self.site.machines.items() if name != "laptop"]
        until(lambda: not any(map(processes.raylets, on)), 120, "ray down must leave no node behind")

    def resume(self) -> None:
        """Go on, on the cluster that is there again, to the end, and as if nothing had happened."""
        client = self.client("altiplano", "submit", "story.yaml", "--resume", *CLUSTER, "--home", STUDIES)
        until(lambda: self.workers("worker") or client.process.poll() is not None, 240, "a group on the worker")
        assert client.process.poll() is None, client.output
        assert client.ended() == 0, client.output[-3000:]
        assert "story: 11 of 11 configurations" in client.output
        verdict.check("story", self.site.studies)
        self.say("every member is as it would be alone on one machine, bit for bit")

    def report(self) -> None:
        """As cluster.yaml says; nobody has written the token down."""
        said = re.search(r"ray exec cluster.yaml '(.* report digits .*)'", (ROOT / "cluster.yaml").read_text())
        assert said, "cluster.yaml must say how to report"
        self.run("ray", "exec", "cluster.yaml", said[1].replace("digits", "story"))
        assert (self.site.studies / "story/report/index.html").stat().st_size > 10_000
        kept = [path for path in self.site.studies.rglob("*") if path.is_file() and self.token.encode() in path.read_bytes()]
        assert not kept, "no token in the study's folder"

    def run(self, *words: str, code: int = 0, seconds: float = 300.0) -> str:
        """What a command on the laptop prints."""
        begun = time.monotonic()
        client = self.client(*words)
        assert client.ended(seconds) == code, client.output[-3000:]
        if words[:2] != ("ray", "get-auth-token"):
            assert self.token not in client.output, "a token is never printed"
        self.say(f"{' '.join(words)[:60]}: {time.monotonic() - begun:.0f} s")
        return client.output

    def client(self, *words: str) -> Client:
        """A command on the laptop, begun."""
        return Client(self.site.laptop, self.site.folder, *words)

    def say(self, text: str) -> None:
        """Print a line with the time."""
        sys.stdout.write(f"[{time.monotonic() - self.began:4.0f} s] {text}\n")
        sys.stdout.flush()

    def hosts(self) -> set[str | None]:
        """Machines that train a group, as the study's own folder says."""
        try:
            return {group.host for group in status("story", self.site.studies).groups}
        except UserError:
            return set()  # there is no such study yet

    def workers(self, name: str) -> list[int]:
        """Processes of a machine that train a group."""
        return processes.workers(self.site.machines[name].process.pid)


def signalled(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to processes."""
    for pid in pids:
        os.kill(pid, number)
