"""Trees of tensors: a tensor, or a dict, tuple or NamedTuple of trees.

Norms and products run over a whole tree: a member has one gradient, not one per tensor.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torch
from torch import Tensor

Tree: TypeAlias = Any  # Tensor | dict[str, Tree] | tuple[Tree, ...], recursive


def map(function: Callable[..., Tensor], tree: Tree, *others: Tree) -> Tree:  # noqa: A001  `tree.map` is the word everyone knows
    """Apply `function` leaf by leaf to trees of one structure."""
    if isinstance(tree, Tensor):
        return function(tree, *others)
    if isinstance(tree, dict):
        return {key: map(function, value, *(other[key] for other in others)) for key, value in tree.items()}
    parts = [map(function, *branches) for branches in zip(tree, *others, strict=True)]
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)


def map_once(function: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    """Apply `function` to each tensor once: leaves that are one tensor are one afterwards."""
    made: dict[int, Tensor] = {}

    def once(leaf: Tensor) -> Tensor:
        if id(leaf) not in made:
            made[id(leaf)] = function(leaf)
        return made[id(leaf)]

    return map(once, tree)


def leaves(tree: Tree, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every (path, tensor) of the tree, depth first; the path's parts are joined by '/'."""
    if isinstance(tree, Tensor):
        yield path, tree
    else:
        for key, branch in _branches(tree):
            yield from leaves(branch, f"{path}/{key}" if path else key)


def fill(tree: Tree, flat: dict[str, Tensor], path: str = "") -> Tree:
    """The tree's structure with its leaves taken from `flat`, as `leaves` names them.

    Raises:
        KeyError: If `flat` lacks a leaf; the key is the path.
    """
    if isinstance(tree, Tensor):
        return flat[path]
    parts = {key: fill(branch, flat, f"{path}/{key}" if path else key) for key, branch in _branches(tree)}
    if isinstance(tree, dict):
        return parts
    return type(tree)(*parts.values()) if hasattr(tree, "_fields") else tuple(parts.values())


def _branches(tree: Tree) -> Iterator[tuple[str, Tree]]:
    if isinstance(tree, dict):
        yield from tree.items()
    else:
        yield from zip(getattr(tree, "_fields", (str(i) for i in range(len(tree)))), tree, strict=True)


def stack(trees: list[Tree]) -> Tree:
    """One tree whose leaves carry a new leading axis over `trees`."""
    return map(lambda *rows: torch.stack(rows), *trees)


def take(tree: Tree, rows: Tensor | slice | int) -> Tree:
    """The given rows of every leaf's leading axis; an int drops the axis, a slice leaves them where they lie."""
    return map(lambda leaf: leaf[rows], tree)


def concat(trees: list[Tree]) -> Tree:
    """The trees' rows one after the other along the leading axis."""
    return map(lambda *parts: torch.cat(parts), *trees)


def dot(left: Tree, right: Tree) -> Tensor:
    """The inner product over all leaves together, as a scalar."""
    return sum((a * b).sum() for (_, a), (_, b) in zip(leaves(left), leaves(right), strict=True))  # type: ignore[return-value]


def norm(tree: Tree) -> Tensor:
    """The joint Euclidean norm over all leaves, as a scalar."""
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(leaf) for _, leaf in leaves(tree)]))


def add(left: Tree, right: Tree, scale: Tensor | float = 1.0) -> Tree:
    """left + scale * right."""
    return map(lambda a, b: a + scale * b, left, right)


def scale(tree: Tree, factor: Tensor | float) -> Tree:
    """factor * tree."""
    return map(lambda leaf: factor * leaf, tree)


def nbytes(tree: Tree) -> int:
    """Bytes held by the leaves."""
    return sum(leaf.numel() * leaf.element_size() for _, leaf in leaves(tree))
