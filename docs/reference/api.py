"""The page of the Python interface: the names that `search` and `analysis` hand out, and what a method's author needs of `trainables`."""

import inspect
from types import ModuleType

import analysis
import search
from docs.reference.words import documented, signature

HEAD = """# Python

What the commands do, from Python. These names are public: `tests/test_public.py` pins them, and a change to one is a line in the changelog.

    from search import Study, launch
    from analysis import load, rank, report

    study = Study.read("studies/digits.yaml")
    outcome = launch(study, home="studies-home")
    table = load("studies-home/digits")
    print(rank(table).head())                    # a pandas data frame, best first
    report("studies-home/digits")                # the page, as `altiplano report` writes it

Ray starts worker processes, so a script calls `launch`, `resume` or `confirm` under `if __name__ == "__main__":`.

A method's trainable also works in a `tune.Tuner` of your own, with your own search algorithm and scheduler:

    from ray import tune
    from trainables.trainable import trainable

    space = {"alpha": tune.uniform(0.1, 2), "rho": tune.loguniform(0.01, 0.5)}
    tuner = tune.Tuner(trainable("g-mix"), param_space=space, tune_config=tune.TuneConfig(metric="accuracy", mode="max", num_samples=8))

It reports `accuracy`, `tail` and `stability` after every epoch. `trainables` itself, but for that one module, needs neither Ray nor Optuna.
"""


def page() -> str:
    """The page's text."""
    return "\n".join([HEAD, *_module(search), *_module(analysis)])


def _module(module: ModuleType) -> list[str]:
    parts = [f"## {module.__name__}\n", documented(module)]
    for name in module.__all__:
        thing = getattr(module, name)
        parts += [f"### {module.__name__}.{name}\n"]
        if not inspect.isclass(thing):
            parts.append(f"    {signature(name, thing)}\n")
        parts.append(documented(thing))
        if inspect.isclass(thing):
            parts += [part for method in _methods(thing) for part in method]
    return parts


def _methods(thing: type) -> list[list[str]]:
    """Public methods that the class itself documents."""
    found = [(name, member) for name, member in vars(thing).items() if not name.startswith(("_", "model_"))]  # model_...: Pydantic's own
    shown = []
    for name, member in found:
        plain = member.__func__ if isinstance(member, classmethod) else member.fget if isinstance(member, property) else member
        if not inspect.isfunction(plain) or not plain.__doc__:
            continue
        bound = getattr(thing, name)
        call = name if isinstance(member, property) else signature(name, bound)
        shown.append([f"    {thing.__name__}.{call}\n", documented(plain)])
    return shown
