"""The script for SLURM, with stand-ins for `srun` and `scontrol`: a job of two nodes that both lie on this machine."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from search.launch import status
from tests.cluster.nodes import SETTINGS, STORE, until
from tests.faults import processes, verdict

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(420), pytest.mark.xdist_group("ray")]

ROOT = Path(__file__).parents[2]

STUDY = """
name: queued
data: {name: digits, fraction: 0.2}
net: {name: mlp, width: 8}
training: {epochs: 1000, batch: 16}
methods: {softad: {}}
seeds: 2
budget: {configurations: 4}
sampler: random
group: 4
"""

STAND_INS = {
    "scontrol": "echo 127.0.0.1",
    "srun": 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@" $ONLY_HERE',
}


def test_a_job_that_reaches_its_time_limit_saves_and_the_same_line_goes_on(tmp_path):
    place = tmp_path / "project"
    place.mkdir()
    (place / ".venv").symlink_to(sys.prefix)
    (place / "queued.yaml").write_text(STUDY)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in STAND_INS.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n")
        (programs / name).chmod(0o755)
    home, scratch = tmp_path / "home", tempfile.mkdtemp(prefix="rs-", dir="/tmp")

    def submitted(number):
        with (tmp_path / f"{number}.log").open("wb") as log:
            return subprocess.Popen(
                ["bash", str(ROOT / "docs/cluster/slurm.sh"), "queued.yaml"],
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    **SETTINGS,
                    "PATH": f"{programs}:{os.environ['PATH']}",
                    "PYTHONPATH": str(ROOT),
                    "ALTIPLANO_HOME": str(home),
                    "ONLY_HERE": f"--num-cpus=1 --node-ip-address=127.0.0.1 --temp-dir={scratch} --object-store-memory={STORE}",
                    "SLURM_JOB_ID": f"{os.getpid() % 1000}{number}",
                    "SLURM_JOB_NUM_NODES": "2",
                    "SLURM_JOB_NODELIST": "here",
                },
            )

    def said(number):
        return (tmp_path / f"{number}.log").read_text(errors="replace")

    jobs = [submitted(1)]
    try:
        until(lambda: len(processes.workers(jobs[0].pid)) == 2 or jobs[0].poll() is not None, 120, f"groups on both nodes: {said(1)}")
        jobs[0].send_signal(signal.SIGTERM)
        jobs[0].wait(120)
        assert not status("queued", home).complete, said(1)
        assert "go on with: altiplano resume queued" in said(1)
        assert list((home / "queued/checkpoints").iterdir()), "what was in training is saved"
        jobs.append(submitted(2))
        assert jobs[1].wait(240) == 0, said(2)
    finally:
        for job in jobs:
            for pid in [job.pid, *processes.descendants(job.pid)]:
                processes.kill(pid)
        shutil.rmtree(scratch, ignore_errors=True)
    verdict.check("queued", home)
    assert (home / "queued/report/index.html").is_file()
    assert list(place.glob(".token-*")) == [], "no token is left"
