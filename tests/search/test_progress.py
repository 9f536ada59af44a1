import pytest

from search.progress import status_of
from tests.search import fakes
from tests.search.test_searcher import Search
from trainables.evidence import PRUNED


def test_a_study_is_counted_by_what_its_configurations_are(tmp_path):
    search = Search(tmp_path, fakes.study(group=2), slots=9)
    trials = [search.next()[0] for _ in range(6)]
    search.train(trials[0])
    search.train(trials[1], PRUNED)
    search.searcher.on_trial_result(trials[2], {"epoch": 3, "hostname": "box", "pid": 7})
    search.searcher.on_trial_failed(trials[3], "it broke")
    seen = status_of(fakes.opened(tmp_path, search.study, reading=True), "home")
    counts = {one.name: (one.done, one.finished, one.pruned, one.failed, one.running, one.asked) for one in seen.methods}
    assert counts == {"erm": (1, 1, 0, 0, 0, 0), "mixup": (2, 0, 1, 1, 0, 1), "sam": (0, 0, 0, 0, 1, 1)}
    assert (seen.done, seen.budget, seen.complete) == (3, 13, False)
    assert [str(failure) for failure in seen.failures] == ["mixup 1 failed: it broke"]
    assert [(one.name, one.host, one.process) for one in seen.groups if one.host] == [("sam-0003", "box", 7)]
    erm = fakes.score({})
    assert seen.methods[0].best == pytest.approx({"accuracy": erm, "tail": erm / 2, "stability": 1.0})
    for word in ("3 of 13", "1 running", "1 asked", "1 pruned", "1 failed", "on box, process 7", "waits for a worker"):
        assert word in str(seen)


def test_a_study_whose_groups_have_all_ended_is_complete(tmp_path):
    search = Search(tmp_path)
    search.finish()
    seen = status_of(fakes.opened(tmp_path, search.study, reading=True), "home")
    assert seen.complete
    assert seen.groups == []
