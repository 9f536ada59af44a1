"""A vote of the nearest neighbours in feature space: a readout that fits nothing."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

MOST, SHARE = 200, 10
"""Neighbours that vote: 200, or a tenth of the labelled examples where that is fewer [read]."""

TEMPERATURE = 0.07
"""What cosines are divided by before they weigh votes [read]."""

AT_ONCE = 1024
"""Queries compared with all labelled examples at a time."""


def voted(queries: Tensor, features: Tensor, y: Tensor, classes: int) -> Tensor:
    """The class that the k labelled examples nearest by cosine vote for, each with weight e^(cosine / 0.07): (queries,).

    Args:
        queries: Features (N, width).
        features, y: Labelled examples (n, width), (n,).
        classes: How many classes.

    References:
        Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", 2018, arXiv 1805.01978, section 3.4 [read].
    """
    k = min(MOST, max(1, len(y) // SHARE))
    labelled = normalize(features, dim=-1).T
    target = (y[:, None] == torch.arange(classes, device=y.device)).to(features.dtype)
    chosen = []
    for part in normalize(queries, dim=-1).split(AT_ONCE):
        cosine, place = (part @ labelled).topk(k)
        weight = ((cosine - 1) / TEMPERATURE).exp()
        chosen.append((weight[..., None] * target[place]).sum(1).argmax(-1))
    return torch.cat(chosen)
