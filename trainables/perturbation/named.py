"""Sharpness-aware methods by their papers' names, each a choice of ascent, radius and descent."""

from trainables.axes import Perturbation
from trainables.perturbation import ascent
from trainables.perturbation.descent import binary, decomposed, sensitive, whole
from trainables.perturbation.lets import lets
from trainables.perturbation.radius import ASAM_RHO, SAM_RHO, fixed
from trainables.perturbation.sharpness import sharpness


def sam() -> Perturbation:
    """SAM: descend the worst loss within a ball of radius rho, approximated to first order.

        e = rho g / (||g|| + 1e-12),  g = grad L(w);    gradient = grad L(w + e)

    Under mixup this is G-Mix: one draw of ratio and partners serves both passes. Two forward and two backward passes.

    References:
        Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2021, arXiv 2010.01412, equations 2 and 3
        [read]; G-Mix: arXiv 2308.03236 [read for the objective].
    """
    return sharpness(ascent.sam(), fixed(SAM_RHO), whole())


def asam() -> Perturbation:
    """ASAM: SAM in a ball that scales with the weights.

        e = rho T^2 g / (||T g|| + 1e-16),  T = |w| + 0.01 for weights, 1 for the rest;    gradient = grad L(w + e)

    Two forward and two backward passes.

    References:
        Kwon et al., "ASAM: Adaptive Sharpness-Aware Minimization", 2021, arXiv 2102.11600, equation 7 [read].
    """
    return sharpness(ascent.asam(), fixed(ASAM_RHO), whole())


def lets_sam(hypergradient: str = "diagonal", positivity: str = "exponential", every: int = 1) -> Perturbation:
    """LETS over SAM: SAM whose radius is learned from the gap between a probe batch and the training batch.

        J = (L_probe(w') - L_train(w'))^2 / 2;    u = g / ||g||
        rho descends dJ/drho,  gap = L_probe(w') - L_train(w'),  d = grad gap(w'),  g~ = grad L_train(w + rho u)
        exact     -lr gap d . H u, H the Hessian at w + rho u
        diagonal  -lr gap sum_k d_k g~_k^2 u_k

    The probe is held out of the training split. Four forward and four backward passes where the radius learns.

    Args:
        hypergradient: "diagonal" takes squared gradients for the Hessian H; "exact" pays another double pass for H u.
        positivity: "exponential" (Adam on log rho), "exponential-plain" or "clamp".
        every: Steps from one lesson of the radius to the next.

    References:
        Wang et al., 2024, arXiv 2408.08222: objective `read`, exact hypergradient `derived`, its squared-gradient form `ours`.
    """
    return sharpness(ascent.sam(), lets(SAM_RHO, hypergradient, positivity, every), whole())


def lets_asam(hypergradient: str = "diagonal", positivity: str = "exponential", every: int = 1) -> Perturbation:
    """LETS over ASAM: ASAM whose radius is learned from the gap between a probe batch and the training batch.

        J = (L_probe(w') - L_train(w'))^2 / 2;    u = T^2 g / ||T g||
        rho descends dJ/drho,  gap = L_probe(w') - L_train(w'),  d = grad gap(w'),  g~ = grad L_train(w + rho u)
        exact     -lr gap d . H u, H the Hessian at w + rho u
        diagonal  -lr gap sum_k d_k g~_k^2 u_k

    The probe is held out of the training split. Four forward and four backward passes where the radius learns.

    Args:
        hypergradient: "diagonal" takes squared gradients for the Hessian H; "exact" pays another double pass for H u.
        positivity: "exponential" (Adam on log rho), "exponential-plain" or "clamp".
        every: Steps from one lesson of the radius to the next.

    References:
        Wang et al., 2024, arXiv 2408.08222: objective `read`, exact hypergradient `derived`, its squared-gradient form `ours`.
    """
    return sharpness(ascent.asam(), lets(ASAM_RHO, hypergradient, positivity, every), whole())


def bg_mix() -> Perturbation:
    """BG-Mix's perturbation: SAM for the sensitive part of the batch, unmixed cross-entropy for the rest.

        s_i = l_i(w + e) - l_i(w);  S = the gamma B examples with the largest s_i
        gradient = (sum over S of grad l_i(w + e) + sum over the rest of grad unmixed_i(w)) / B

    Three forward and three backward passes.

    References:
        arXiv 2308.03236: the idea is `read` in the abstract, the rule `ours`.
    """
    return sharpness(ascent.sam(), fixed(SAM_RHO), binary())


def dg_mix() -> Perturbation:
    """DG-Mix's perturbation: SAM for the sensitive part of the batch, beside it what the rest says orthogonally to it.

        g_S = grad mean over S at w + e,  g_N = grad mean over the rest at w;    gradient = g_S + g_N - (g_N . g_S / g_S . g_S) g_S

    S = the gamma B examples whose loss rises most from w to w + e. Three forward and three backward passes.

    References:
        arXiv 2308.03236: the idea is `read` in the abstract, the rule `ours`.
    """
    return sharpness(ascent.sam(), fixed(SAM_RHO), decomposed())


def esam() -> Perturbation:
    """ESAM: SAM on a random part of the weight tensors and on the sensitive part of the batch.

        e = m rho g / ||g|| / perturbed_share, m in {0, 1} drawn for each tensor;    gradient = grad mean over S at w + e

    S = the gamma B examples whose loss rises most from w to w + e. What it computes is ESAM; what it costs is SAM's
    two forward and two backward passes, for members are mapped together and a mask saves nothing.

    References:
        Du et al., "Efficient Sharpness-aware Minimization", 2022, arXiv 2110.03141 and the authors' code [read], where S misses the last
        example and the norm runs over the perturbed tensors alone.
    """
    return sharpness(ascent.thinned(ascent.sam()), fixed(SAM_RHO), sensitive())
