"""A group's step compiled by torch's own compiler: slow to begin with, few and large kernels afterwards.

The mapped step is traced to plain tensor operations first, since the compiler does not follow trees and methods; what it gets is one flat
function for each number of rows and each phase of the step. Compiling takes half a minute on a CPU, and again when members drop out.
"""

import shutil
from collections.abc import Callable, Hashable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from trainables import tree
from trainables.axes import Method, Scalars
from trainables.engine.fitting import fitting
from trainables.engine.group import count
from trainables.engine.pace import parts
from trainables.engine.step import Inputs, Member, Step, phase


class Compiled:
    """Advances a group as `group.advance` does, at most `chunk` rows at a time (all by default)."""

    def __init__(self, step: Step, method: Method, chunk: int | None, device: str) -> None:
        if fault := lacking(device):
            raise ValueError(f"compile {fault}")
        self.step = step
        self.method = method
        self.chunk = chunk
        self._made: dict[tuple[int, Hashable], Program] = {}

    def advance(self, group: Member, inputs: Inputs, turn: int) -> tuple[Member, Scalars]:
        """One step of every member; rounding differs from the uncompiled step's."""
        rows = count(group)

        def in_parts(chunk: int | None) -> tuple[Member, Scalars]:
            done = [self._part(tree.take((group, inputs), part), turn) for part in parts(rows, chunk or rows)]
            return done[0] if len(done) == 1 else tree.concat(done)

        advanced, self.chunk = fitting(in_parts, self.chunk, rows)
        return advanced

    def _part(self, given: tuple[Member, Inputs], turn: int) -> tuple[Member, Scalars]:
        leaves = dict(tree.leaves(given))
        key = next(iter(leaves.values())).shape[0], phase(self.method, turn)
        if key not in self._made:
            self._made[key] = _compiled(lambda member, seen: self.step(member, seen, turn), given)
        program = self._made[key]
        return tree.fill(program.like, dict(zip(program.paths, program.function(*leaves.values()), strict=True)))


def lacking(device: str) -> str:
    """What this machine lacks to compile for a device, in words that follow the key `compile`; empty where it lacks nothing."""
    if device != "cpu" or shutil.which("g++") or shutil.which("clang++"):
        return ""
    return "needs a C++ compiler (g++ or clang++) for a CPU, there is none on PATH; install one or leave compile out"


class Program(NamedTuple):
    """A compiled function from the leaves of its arguments to those of its result, a tree like `like` with leaves at `paths`."""

    function: Callable[..., list[Tensor]]
    like: tuple[Member, Scalars]
    paths: list[str]


def _compiled(step: Callable[[Member, Inputs], tuple[Member, Scalars]], given: tuple[Member, Inputs]) -> Program:
    from torch.fx.experimental.proxy_tensor import make_fx  # takes a second to import

    paths = [path for path, _ in tree.leaves(given)]
    seen: list[tuple[Member, Scalars]] = []

    def flat(*leaves: Tensor) -> list[Tensor]:
        result = vmap(step, randomness="error")(*tree.fill(given, dict(zip(paths, leaves, strict=True))))
        seen.append(result)
        return [leaf for _, leaf in tree.leaves(result)]

    traced = make_fx(flat)(*(leaf for _, leaf in tree.leaves(given)))
    function = torch.compile(traced, fullgraph=True, dynamic=False)
    like = tree.map(lambda leaf: torch.empty(0, device="meta"), seen[0])
    return Program(function, like, [path for path, _ in tree.leaves(like)])
