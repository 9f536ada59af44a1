"""InfoNCE: the cross-entropy of finding one's own key among others. Scores are cosines; everything in float32 or better."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.crossentropy import full_precision


def info_nce(positive: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """-log(e^(p/t) / (e^(p/t) + sum_j e^(n_j/t))), per anchor.

    Args:
        positive: Score of each anchor with its key, (B,).
        negatives: Its scores with other keys, (B, N); those that `excluded` took out count for nothing.
        temperature: t.

    References:
        van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018, arXiv 1807.03748, equation 4.
    """
    own, others = full_precision(positive) / temperature, full_precision(negatives) / temperature
    return softplus(torch.logsumexp(others, dim=-1) - own)


def mixed_info_nce(first: Tensor, second: Tensor, negatives: Tensor, ratio: Tensor, temperature: float) -> Tensor:
    """ratio InfoNCE(first) + (1 - ratio) InfoNCE(second), (B,): neither source's key is in the other's denominator."""
    return ratio * info_nce(first, negatives, temperature) + (1 - ratio) * info_nce(second, negatives, temperature)


def local_info_nce(first: Tensor, second: Tensor, ratio: Tensor, temperature: float) -> Tensor:
    """The same between the two sources' keys alone, (B,).

        -ratio log(e^(p/t) / (e^(p/t) + e^(p'/t))) - (1 - ratio) log(e^(p'/t) / (e^(p/t) + e^(p'/t)))

    References:
        SAMix' local term as in OpenMixup [read].
    """
    lead = (full_precision(first) - full_precision(second)) / temperature
    return ratio * softplus(-lead) + (1 - ratio) * softplus(lead)


def excluded(scores: Tensor, out: Tensor) -> Tensor:
    """Scores (B, N) that count for nothing where `out`: finite, so that an anchor with no negative left has loss 0 and gradient 0."""
    return torch.where(out, torch.finfo(scores.dtype).min / 1e6, scores)
