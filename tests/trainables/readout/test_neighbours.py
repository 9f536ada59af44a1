import numpy as np
import torch

from trainables.draws import stream
from trainables.readout.neighbours import voted


def test_the_vote_is_weighted_by_cosine_among_a_tenth_of_the_labelled():
    drawn = stream(0, "neighbours")
    labelled, y, queries = drawn.normal(size=(40, 3)), drawn.integers(0, 3, 40), drawn.normal(size=(30, 3))
    expected = []
    for query in queries:
        cosine = labelled @ query / np.linalg.norm(labelled, axis=1) / np.linalg.norm(query)
        nearest = np.argsort(-cosine)[:4]
        votes = [np.exp(cosine[nearest] / 0.07)[y[nearest] == label].sum() for label in range(3)]
        expected.append(int(np.argmax(votes)))
    found = voted(*(torch.from_numpy(one) for one in (queries, labelled, y)), 3)
    assert found.tolist() == expected
    assert len(set(expected)) == 3


def test_the_length_of_a_vector_does_not_matter_and_one_neighbour_votes_at_least():
    labelled, y = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([1, 0])
    assert voted(torch.tensor([[0.1, 9.0], [1e-3, 0.0]]), 1e6 * labelled, y, 2).tolist() == [0, 1]
