"""Which package may import which. The arrows run one way: altiplano -> analysis, search -> trainables.

Two readings of the same rules: the import statements of every module, deferred ones included, and a process in which the forbidden
packages cannot be imported.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("altiplano", "analysis", "search", "trainables")
AXES = ("trainables.mixing", "trainables.perturbation", "trainables.criterion")
WRAPPER = "trainables.trainable"


class Import(NamedTuple):
    """One imported name; `deferred` where the statement stands inside a function."""

    name: str
    line: int
    deferred: bool


class Rule(NamedTuple):
    """Modules in `where`, those in `but` excepted, import nothing of `what`."""

    where: tuple[str, ...]
    what: tuple[str, ...]
    but: tuple[str, ...] = ()


RULES = (
    Rule(("trainables",), ("altiplano", "analysis", "search", "tests")),
    Rule(("search",), ("altiplano", "analysis", "tests")),
    Rule(("analysis",), ("altiplano", "search", "tests")),
    Rule(("altiplano",), ("tests",)),
    Rule(("trainables",), ("ray", "optuna", "pandas", "pydantic", WRAPPER), but=(WRAPPER,)),
    Rule(("analysis",), ("torch", "ray")),
    Rule(("analysis",), ("optuna",), but=("analysis.importance",)),
    *(Rule((axis,), tuple(other for other in AXES if other != axis)) for axis in AXES),
    Rule(AXES, ("trainables.engine", "trainables.methods", "trainables.data")),
    Rule(("trainables.engine",), (*AXES, "trainables.methods", "trainables.contrastive", "trainables.readout", "trainables.scenarios")),
    Rule(("trainables.contrastive",), ("trainables.engine", "trainables.methods", "trainables.data", "trainables.scenarios")),
    Rule(("trainables.axes",), (*AXES, "trainables.engine", "trainables.methods", "trainables.data", "trainables.nets")),
    Rule(("trainables.knob", "trainables.draws", "trainables.tree", "trainables.scores"), ("trainables.axes", "trainables.engine", *AXES)),
)

MEETING = ("trainables.scores", "trainables.evidence", "trainables.knob", "trainables.draws")
"""All that analysis may know of trainables."""

BASIS = ("numpy", "torch", "jaxtyping", "trainables")
"""All that trainables, its wrapper excepted, may import where a module is loaded; the rest is deferred to where it is used."""


def within(name: str, packages: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of the packages or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def imports(source: str) -> Iterator[Import]:
    """Every name that the source imports, by statement or by a call of `import_module` or `__import__` on a literal."""
    return _imports(ast.parse(source), deferred=False)


def _imports(node: ast.AST, *, deferred: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            yield from (Import(alias.name, node.lineno, deferred) for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            dots = "." * level  # the linter bans relative imports; here they only must not pass for an absolute name
            yield from (Import(f"{dots}{module or ''}.{alias.name}", node.lineno, deferred) for alias in names)
        case ast.Call(func=ast.Name(id=call) | ast.Attribute(attr=call), args=[ast.Constant(value=str(name)), *_]):
            if call in {"import_module", "__import__"}:
                yield Import(name, node.lineno, deferred)
    inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, deferred=inside)


def faults(module: str, source: str) -> list[str]:
    """One line for every import in the module's source that breaks a rule."""
    return [f"{module}:{found.line} imports {found.name}" for found in imports(source) if _forbidden(module, found)]


def _forbidden(module: str, found: Import) -> bool:
    if found.name.startswith("."):
        return True
    if any(within(module, rule.where) and not within(module, rule.but) and within(found.name, rule.what) for rule in RULES):
        return True
    if within(module, ("analysis",)) and within(found.name, ("trainables",)):
        return not within(found.name, MEETING)
    if within(module, ("trainables",)) and module != WRAPPER and not found.deferred:
        top = found.name.partition(".")[0]
        return top not in BASIS and top not in sys.stdlib_module_names
    return False


def modules(package: str) -> dict[str, Path]:
    """The modules of a package by dotted name."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_follows_the_arrows(package):
    found = modules(package)
    assert package in found
    assert [fault for name, path in found.items() for fault in faults(name, path.read_text())] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("trainables.draws", "import altiplano.main"),
        ("trainables.nets.mlp", "from search import space"),
        ("trainables.engine.loop", "import ray"),
        ("trainables.engine.loop", "def save():\n    from ray import tune"),
        ("trainables.data.load", "def load():\n    import pandas as pd"),
        ("trainables.methods", "import importlib\nimportlib.import_module('optuna')"),
        ("trainables.methods", "__import__('pydantic')"),
        ("trainables.methods", "from trainables import trainable"),
        ("trainables.data.load", "import sklearn.datasets"),
        ("trainables.evidence", "try:\n    import pyarrow\nexcept ImportError:\n    pass"),
        ("trainables.mixing.mixup", "from trainables.criterion.cvar import cvar"),
        ("trainables.mixing.mixup", "from trainables import criterion"),
        ("trainables.perturbation.sharpness", "from trainables.mixing import mixup"),
        ("trainables.criterion.cvar", "import trainables.perturbation.ascent"),
        ("trainables.criterion.cvar", "from trainables.engine import step"),
        ("trainables.engine.step", "from trainables.mixing.mixup import mixup"),
        ("trainables.engine.step", "from trainables.methods import METHODS"),
        ("trainables.engine.step", "from ..methods import METHODS"),
        ("trainables.engine.loop", "from trainables.scenarios import make"),
        ("trainables.contrastive.hosts", "from trainables.engine.step import Member"),
        ("trainables.axes", "from trainables.nets import mlp"),
        ("trainables.tree", "from trainables.axes import Model"),
        ("search.launch", "from analysis import report"),
        ("search.launch", "if TYPE_CHECKING:\n    import altiplano"),
        ("analysis", "import torch"),
        ("analysis.table", "def load():\n    import torch.nn"),
        ("analysis.table", "import ray"),
        ("analysis.table", "import optuna"),
        ("analysis.importance", "import search.ledger"),
        ("analysis.table", "from trainables.tree import norm"),
        ("altiplano.main", "import tests.conftest"),
    ],
)
def test_a_planted_import_is_reported(module, source):
    assert len(faults(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("trainables.trainable", "from ray import tune\nimport pandas"),
        ("trainables.data.load", "import gzip\ndef load():\n    from sklearn import datasets"),
        ("trainables.mixing.mixup", "import torch\nfrom trainables import draws\nfrom trainables.mixing import plain"),
        ("trainables.methods", "from trainables.mixing.mixup import mixup\nfrom trainables.criterion import cvar"),
        ("analysis.table", "import pandas\nfrom trainables import evidence, scores\nimport optunacy"),
        ("analysis.importance", "import optuna"),
        ("search.searcher", "import ray\nimport optuna\nfrom trainables.trainable import trainable"),
        ("altiplano.main", "import search, analysis\nfrom trainables import methods"),
    ],
)
def test_an_import_along_the_arrows_is_not_reported(module, source):
    assert faults(module, source) == []


IMPORT_WITHOUT = """
import importlib, sys
blocked, names = sys.argv[1].split(","), sys.argv[2].split(",")
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
for name in names:
    importlib.import_module(name)
"""


def import_without(blocked: list[str], names: list[str]) -> subprocess.CompletedProcess[str]:
    """Import the modules in a process where the blocked packages do not exist."""
    command = [sys.executable, "-c", IMPORT_WITHOUT, ",".join(blocked), ",".join(names)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_trainables_but_the_wrapper_imports_with_torch_and_numpy_alone():
    names = [name for name in modules("trainables") if name != WRAPPER]
    absent = ["ray", "optuna", "pandas", "pydantic", "pyarrow", "scipy", "sklearn", "matplotlib", "yaml", "rich", "typer"]
    done = import_without(absent, names)
    assert done.returncode == 0, done.stderr


def test_analysis_imports_without_torch_and_ray():
    done = import_without(["torch", "ray"], list(modules("analysis")))
    assert done.returncode == 0, done.stderr


def test_an_import_of_a_blocked_package_fails():
    done = import_without(["torch"], ["trainables.tree"])
    assert done.returncode == 1
    assert "torch is blocked" in done.stderr
