"""torch's compiler is imported when something is compiled, and not by the first gradient.

`torch.func.grad` switches compiled autograd off for a moment, and imports `torch._dynamo` for that: more than a second in the driver and
in every worker (torch 2.11 to 2.13). As long as nobody has imported it there is nothing to switch off.
"""

import sys
from contextlib import nullcontext
from importlib import import_module
from types import ModuleType
from typing import Any

import torch


class Deferred(ModuleType):
    """Stands for a module until something is asked of it that it has not been given."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def defer() -> None:
    """Put stand-ins in place, unless the compiler is there already; importing it replaces them."""
    if "torch._dynamo" not in sys.modules:
        compiler, autograd = Deferred("torch._dynamo"), Deferred("torch._dynamo.compiled_autograd")
        autograd.__dict__["_disable"] = nullcontext
        compiler.__dict__["compiled_autograd"] = autograd
        torch.__dict__["_dynamo"] = compiler
