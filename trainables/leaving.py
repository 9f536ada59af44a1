"""What a finished group writes into the study's home."""

from trainables import evidence
from trainables.course import Course, truth_of
from trainables.data.examples import Data, Examples
from trainables.data.pictures import pictures
from trainables.home import Home
from trainables.job import evidence_file
from trainables.keepsakes import keepsakes


def leave(home: Home, course: Course) -> None:
    """Write what the group leaves, its evidence last: where there is evidence, there is all the rest."""
    publish_truth(home, course.data, course.job.split)
    for name, content in keepsakes(course).items():
        home.write(name, content)
    home.write(evidence_file(course.job.group, course.job.split), evidence.to_bytes(course.members()))


def publish_truth(home: Home, data: Data, split: str) -> None:
    """Leave the split's labels and pictures in the study's home, once."""
    name = f"splits/{split}.npz"
    if not home.exists(name):
        examples: Examples = getattr(data, split)
        home.write(name, evidence.truth_to_bytes(truth_of(data, split), data.classes, pictures(examples)))
