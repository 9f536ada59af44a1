"""What a group leaves beside its evidence: pages of mixed pictures, and mixers that a later run takes up."""

import io

import numpy as np

from tests.trainables.test_course import DATA, carried_out, job
from trainables import methods
from trainables.course import Course
from trainables.job import Configuration
from trainables.keepsakes import keepsakes


def carried(preset, **changes):
    """A preset's course on the small cnn, two seeds of one configuration at its defaults."""
    knobs = {knob.name: float(knob.default) for knob in methods.make(methods.PRESETS[preset]).knobs}
    asked = Configuration(0, {**knobs, "lr": 0.05, "weight_decay": 0.0, "label_smoothing": 0.0})
    axes = methods.PRESETS[preset]._asdict()
    return carried_out(
        job(method=preset, group=f"{preset}-0001", axes=axes, configurations=[asked], net={"name": "cnn", "width": 4}, **changes)
    )


def test_a_mixing_that_mixes_nothing_leaves_nothing():
    assert keepsakes(carried("erm")) == {}


def test_a_page_shows_the_most_accurate_member():
    course = carried("cutmix")
    (name, content), *others = keepsakes(course).items()
    assert (name, others) == ("mixtures/cutmix-0001.npz", [])
    with np.load(io.BytesIO(content), allow_pickle=False) as page:
        assert str(page["method"]) == "cutmix"
        assert page["mixed"].shape[2:] == (1, 8, 8)
        accuracy = {member.seed: member.accuracy for member in course.members()}
        assert accuracy[int(page["seed"])] == max(accuracy.values())


def test_samix_leaves_a_mixer_that_samix_p_takes_up(tmp_path):
    left = keepsakes(carried("samix"))
    assert set(left) == {"mixtures/samix-0001.npz", "mixers/samix-0001.npz"}
    path = tmp_path / "mixer.npz"
    path.write_bytes(left["mixers/samix-0001.npz"])
    later = carried("samix-p", options={"mixer": str(path)})
    assert {member.status for member in later.members()} == {"complete"}


def test_a_course_whose_members_all_left_has_nothing_to_keep():
    course = Course(job(), DATA)
    course.run.keep([])
    assert keepsakes(course) == {}
