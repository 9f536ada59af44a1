"""SAMix-P: a mixer and its encoder from an earlier run, as a file of plain arrays, used frozen."""

import io
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch

from trainables import tree
from trainables.axes import Hyper, Mixing, Model, Net, Params, State
from trainables.draws import Streams
from trainables.mixing.heads import OWN, SECOND, without_second
from trainables.mixing.mixer import SAMIX, shapes
from trainables.mixing.pasting import classifier_side, depth_of, need_maps
from trainables.mixing.samix import BEND, MIXER_ALPHA

SEPARATOR = "|"


def samix_p(mixer: str = "", adjust: float = 0.0) -> Mixing:
    """SAMix-P: SAMix with the mixer and the encoder k of an earlier run, both frozen; only the classifier's losses remain.

        x~ = x (1 - s) + x[pi] s,    s = M(k's map of x, lambda, pi),    lambda ~ Beta(alpha, alpha)
        L = CE_mix(q.head_mix(q(x~)), lambda) + CE(q.head(q(x)))

    The encoder's stages must be those of this net; its head may have other classes. Evaluated is the trained network itself. About
    twice the cost of mixup. What the criterion sees: as with `samix`.

    Args:
        mixer: File of a finished SAMix member, as `write_mixer` makes it.
        adjust: As with `samix`.

    References:
        Li et al., 2021, arXiv 2111.15454, section 3.3 [ours in detail].
    """

    @cache
    def stored() -> State:
        return read_mixer(mixer)

    def init(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
        need_maps(net)
        return fitted(stored(), net, model)

    def deploy(state: State, model: Model) -> Model:
        return without_second(model)

    needs = frozenset({"image", "spatial"} if mixer else {"image", "spatial", "mixer"})
    return classifier_side(SAMIX, adjust)._replace(init=init, deploy=deploy, knobs=(MIXER_ALPHA, BEND), needs=needs)


def write_mixer(state: State, target: str | io.BufferedIOBase) -> None:
    """Write a SAMix member's encoder and mixer, as its mixing state holds them, to an NPZ file."""
    kept = {"encoder": state["encoder"], "mixer": state["mixer"]}
    np.savez_compressed(
        target, allow_pickle=False, **{path.replace("/", SEPARATOR): leaf.cpu().numpy() for path, leaf in tree.leaves(kept)}
    )


def read_mixer(source: str) -> State:
    """What `write_mixer` wrote: a tree with `encoder` (a Model) and `mixer`.

    Raises:
        ValueError: If there is no such file, or it holds something else.
    """
    if not source:
        raise ValueError("samix-p needs `mixer`, the file of a finished samix member's mixer; write one with frozen.write_mixer")
    try:
        with Path(source).open("rb") as file:
            flat = {name: torch.from_numpy(array) for name, array in dict(np.load(file, allow_pickle=False)).items()}
    except (OSError, ValueError, TypeError, EOFError, BadZipFile) as error:
        raise ValueError(f"{source} must be a mixer as frozen.write_mixer makes it: {error}") from error
    parts = {part: _below(flat, part) for part in ("encoder|params", "encoder|buffers", "mixer")}
    if not parts["mixer"] or not parts["encoder|params"]:
        raise ValueError(f"{source} must hold an encoder and a mixer, got {sorted(flat)[:3]}; write it with frozen.write_mixer")
    return {"encoder": Model(parts["encoder|params"], parts["encoder|buffers"]), "mixer": parts["mixer"]}


def fitted(stored: State, net: Net, model: Model) -> State:
    """A stored encoder and mixer in the model's type and on its device.

    Raises:
        ValueError: If the encoder's stages are not the model's, or the mixer is not one of SAMix for such maps.
    """
    found, wanted = _shapes(stored["encoder"].params), _shapes(model.params)
    found |= {f"mixer.{name}": tuple(leaf.shape) for name, leaf in stored["mixer"].items()}
    wanted |= {f"mixer.{name}": shape for name, shape in shapes(SAMIX, net.hidden[depth_of(net)][0]).items()}
    if wanted != found:
        differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise ValueError(
            f"a stored mixer and encoder must fit the net; {', '.join(differing[:3])} do not: take the net they were trained with"
        )
    like = model.params["head.weight"]
    return tree.map(lambda leaf: leaf.to(like) if leaf.is_floating_point() else leaf.to(like.device), stored)


def _shapes(params: Params) -> dict[str, tuple[int, ...]]:
    return {name: tuple(leaf.shape) for name, leaf in params.items() if not name.startswith((OWN, SECOND))}


def _below(flat: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(part + SEPARATOR): leaf for name, leaf in flat.items() if name.startswith(part + SEPARATOR)}
