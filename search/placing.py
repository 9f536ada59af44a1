"""Whether one group can be placed at all: Ray would wait for ever for what a machine never has."""

import os
from collections.abc import Mapping

import ray
import torch

from search.errors import UserError
from search.parts import Resources


def refuse_unplaceable(resources: Resources, there: Mapping[str, float] | None = None) -> None:
    """Refuse a group that needs more than there is.

    Args:
        resources: What one group takes.
        there: What Ray on this machine offers, by its names; by default what it will find here, or offers already.

    Raises:
        UserError: If that is less.
    """
    if there is None:
        counted = {"CPU": float(os.cpu_count() or 1), "GPU": float(torch.cuda.device_count())}
        there = ray.cluster_resources() if ray.is_initialized() else counted
    for key, name in (("cpu", "CPU"), ("gpu", "GPU")):
        need, has = float(getattr(resources, key)), there.get(name, 0.0)
        if need > has:
            words = f"ask for less with --set resources.{key}=..., or give a cluster's --address"
            raise UserError(f"resources.{key}: a group takes {need:g}, and Ray on this machine has {has:g}; {words}")
