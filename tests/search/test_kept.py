"""A study that an earlier state of this program left, in the folder `kept`: it must open, go on and be reported whatever changes here.

The folder was written by `altiplano launch`, and is never written anew together with a change: a format that cannot be read any more
needs a conversion, and then this test says what it is. A later format adds a folder of its own.
"""

import shutil
from pathlib import Path

import pytest

import analysis
from search.evolve import extended
from search.homes import find
from search.launch import resume, status
from search.ledger import Ledger
from search.searcher import GroupSearcher
from search.storage import opened
from trainables import evidence
from trainables.data.load import load
from trainables.job import Job, evidence_file
from trainables.portable import trained

KEPT = Path(__file__).parent / "kept"
FILES = {"erm-0001.parquet", "softad-0002.parquet"}


@pytest.fixture
def homes(tmp_path):
    """A folder of studies with the kept one in it."""
    shutil.copytree(KEPT, tmp_path / "kept")
    return tmp_path


def test_a_study_of_an_earlier_version_opens_and_has_nothing_left_to_do(homes):
    found = status("kept", homes)
    assert (found.done, found.budget) == (4, 4)
    outcome = resume("kept", homes)
    assert not outcome.stopped
    assert {file.name for file in (homes / "kept" / "evidence").iterdir()} == FILES


def test_a_study_of_an_earlier_version_is_extended_by_what_it_lacks_and_reported(homes):
    study, place = find("kept", homes)
    with opened(f"sqlite:///{homes}/kept/ledger.db", existing=True) as storage:
        before = [entry.values for entry in Ledger(study, storage, reading=True).pages["softad"].entries]
        ledger = Ledger(extended(study, configurations=4), storage)
        searcher = GroupSearcher(ledger, place, str(homes), lambda *what: None, lambda: 1)
        job = Job.from_dict(searcher.suggest("t1")["job"])
        assert [one.number for one in job.configurations] == [3]
        members = trained(job, load(**study.data)).members()
        place.write(evidence_file(job.group, job.split), evidence.to_bytes(members))
        searcher.on_trial_complete("t1", {"done": True})
        assert ledger.complete
        assert [entry.values for entry in ledger.pages["softad"].entries][:3] == before
    table = analysis.load(str(homes / "kept"))
    assert len(analysis.rank(table)) >= 2
    assert "softad" in analysis.report(str(homes / "kept")).read_text()


def test_evidence_of_an_earlier_version_is_read_member_by_member():
    found = [one for name in sorted(FILES) for one in evidence.read(str(KEPT / "evidence" / name))]
    assert [(one.method, one.configuration, one.seed) for one in found] == [
        *(("erm", 0, seed) for seed in (0, 1)),
        *(("softad", number, seed) for number in range(3) for seed in (0, 1)),
    ]
