import pytest
import torch

from search import Study, UserError, launch
from search.parts import Resources
from search.placing import refuse_unplaceable


def test_a_group_that_needs_more_than_there_is_is_refused():
    there = {"CPU": 2.0}
    refuse_unplaceable(Resources(cpu=2), there)
    with pytest.raises(UserError, match=r"resources.cpu: a group takes 2.5, and Ray on this machine has 2; ask for less"):
        refuse_unplaceable(Resources(cpu=2.5), there)
    with pytest.raises(UserError, match=r"resources.gpu: a group takes 0.5, and Ray on this machine has 0; .* --address"):
        refuse_unplaceable(Resources(gpu=0.5), there)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_study_for_a_gpu_is_refused_where_there_is_none_and_leaves_nothing_behind(tmp_path):
    study = Study.parse("name: x\nmethods: {sam: {}}\nresources: {gpu: 1}\n")
    with pytest.raises(UserError, match=r"resources.gpu: a group takes 1"):
        launch(study, tmp_path)
    assert list(tmp_path.iterdir()) == []
