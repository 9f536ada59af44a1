"""SAMix and AutoMix: a small network learns where to take which of two pictures, while the classifier learns from what it makes."""

from collections.abc import Mapping
from typing import Literal

from trainables.axes import Hyper, Mixing, Model, Net, Recipe, State, Transition
from trainables.draws import Streams
from trainables.knob import Knob
from trainables.mixing.apprentice import Lessons, adapted, begun, watch
from trainables.mixing.heads import without_second
from trainables.mixing.mixer import AUTOMIX, SAMIX
from trainables.mixing.mixup import ALPHA, partners, ratios
from trainables.mixing.pasting import classifier_side

MIXER_ALPHA = ALPHA._replace(
    search=(0.5, 4.0),
    default=2.0,
    meaning="mixing ratios' spread: lambda ~ Beta(alpha, alpha), for the classifier's pictures and for the mixer's",
    source="Li 2021, section 4: 2 [read]; range ours",
)
ETA = Knob(
    "eta",
    search=(0.0, 1.0),
    default=0.5,
    legal=(0.0, 100.0),
    meaning="weight of all classes, beside the pair alone, in what the mixer is trained for",
    source="Li 2021, section 3.2: 0.5 [read]; range ours",
)
BEND = Knob(
    "bend",
    search=(-1.0, 1.0),
    default=0.25,
    legal=(-1.0, 10.0),
    choices=(-1.0, 0.25, 0.5, 1.0),
    meaning="k of the ratio's encoding in the mixer; -1 leaves the ratio as it is",
    source="OpenMixup, lam_mul_k: 0.25 on small pictures [read]; choices ours",
)


def samix(
    generation: Literal["balanced", "mce"] = "balanced",
    mask_weight: float = 0.1,
    adjust: float = 0.0,
    warmed: bool = True,
    mixer_rate: float = 1.0,
) -> Mixing:
    """Scenario-agnostic mixup: masks from a learned mixer M, on the maps of a momentum encoder k.

        x~ = x (1 - s) + x[pi] s,    s = M(k's map of x, lambda, pi),    lambda ~ Beta(alpha, alpha)
        classifier:  CE_mix(q.head_mix(q(x~)), lambda) + CE(q.head(q(x)))
        mixer:       L_gen(k.head_mix(k(x~'))) + gamma L_mask(s'),    x~', s' with a ratio and a pairing of its own
        then k <- m k + (1 - m) q

    The classifier q has two heads. Its losses reach q and the heads alone, the mixer's losses reach M alone, through k, which passes
    gradients to its input and has none itself. `adapt` trains the mixer and moves k after the weight step. lambda within 0.08 of 0
    or 1 takes a constant mask. k's running statistics are those of its own pass over the unmixed batch and move once a step; so do q's.
    Evaluated and exported is k with its own head. About three and a half times the cost of mixup.

    What the criterion sees: one loss an example, the sum of its mixed and its unmixed cross-entropy, equally weighted: about twice the
    scale of the other mixings, which thresholds in nats (SoftAD, flooding) have to allow for. Perturbations act on q and its heads.

    Args:
        generation: What the mixer is trained for: the eta-balanced objective, or plain mixed cross-entropy as in the released code.
        mask_weight: gamma, weight of the mask's own loss, 0.1 by default [read].
        adjust: Probability of rescaling the classifier's masks of a step so that each keeps exactly lambda of its picture. The released
            code rescales to the mixer's ratio by mistake.
        warmed: Let k follow q closely at first, see `teacher.momentum`; False is the paper's schedule.
        mixer_rate: Learning rate of the mixer over that of the network. It is trained by SGD with momentum 0.9 whatever trains the
            network; beside AdamW, whose rates are small, take 100.

    Raises:
        ValueError: If an option is none of the above.

    References:
        Li et al., "Boosting Discriminative Visual Representation Learning with Scenario-Agnostic Mixup", 2021, arXiv 2111.15454, and the
        authors' code, OpenMixup [read].
    """
    return learned(Lessons(SAMIX, generation, True, mask_weight, warmed, mixer_rate), adjust)


def automix(mask_weight: float = 0.1, adjust: float = 0.0, warmed: bool = True, mixer_rate: float = 0.1) -> Mixing:
    """AutoMix: SAMix' predecessor, in its form for small pictures.

        x~ = x (1 - s) + x[pi] s,    s = M(k's map of x, pi),    lambda ~ Beta(alpha, alpha)
        classifier:  CE_mix(q.head_mix(q(x~)), lambda) + CE(q.head(q(x)))
        mixer:       CE_mix(k.head_mix(k(x~')), lambda') + gamma max(|1 - mean s' - lambda'| - 0.1, 0)
        then k <- m k + (1 - m) q

    The same training as SAMix' with a simpler mixer (one projection for query and key, a linear value, no encoding of the ratio, pixels
    repeated where SAMix interpolates), trained for plain mixed cross-entropy and masks of the right size. See `samix`, also for what
    the criterion sees and the options. mixer_rate is 0.1 here [ours]: on digits, at the network's own rate, the masks went to one
    picture alone within seven epochs and stayed there.

    References:
        Liu et al., "AutoMix: Unveiling the Power of Mixup for Stronger Classifiers", 2021, arXiv 2103.13027, and OpenMixup [read].
    """
    return learned(Lessons(AUTOMIX, "mce", False, mask_weight, warmed, mixer_rate), adjust)


def learned(lessons: Lessons, adjust: float) -> Mixing:
    """The mixing whose mixer is trained beside the network.

    Raises:
        ValueError: If an option has no meaning.
    """
    if lessons.generation not in ("balanced", "mce"):
        raise ValueError(f"generation must be balanced or mce, got {lessons.generation!r}")
    if lessons.mask_weight < 0 or lessons.rate < 0:
        raise ValueError(f"mask_weight and mixer_rate must not be negative, got {lessons.mask_weight:g} and {lessons.rate:g}")
    side = classifier_side(lessons.design, adjust)

    def draw(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net) -> Recipe:
        ratio = ratios(stream("mixer-ratio"), knobs["alpha"], steps)
        partner = partners(stream("mixer-partner"), steps, size)
        return {**side.draw(stream, knobs, steps, size, net), "mixer_ratio": ratio, "mixer_partner": partner}

    def init(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
        return {"encoder": model, **begun(stream, lessons.design, net, model), "count": model.params["head.weight"].new_zeros(())}

    def adapt(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
        return adapted(lessons, state, hyper, net, transition)

    knobs = (MIXER_ALPHA, *((ETA,) if lessons.generation == "balanced" else ()), *((BEND,) if lessons.design.encoded else ()))
    return side._replace(draw=draw, init=init, adapt=adapt, watch=watch, deploy=deploy, keepsake=keepsake, knobs=knobs)


def keepsake(state: State) -> State:
    """The encoder and its mixer, as SAMix-P loads them."""
    return {"encoder": state["encoder"], "mixer": state["mixer"]}


def deploy(state: State, model: Model) -> Model:
    """k with its own head."""
    return without_second(state["encoder"])
