"""Ray for as long as a search needs it: a cluster that there is, or one of our own on this machine, quiet and without a trace."""

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import ray
from ray._private import ray_constants
from ray.air._internal import usage
from ray.exceptions import AuthenticationError, RuntimeEnvSetupError
from ray.tune.execution import class_cache

from search.bare import bare
from search.errors import UserError

OBJECT_STORE = 128 * 1024**2
"""Bytes of shared memory for a Ray of our own: jobs and results are small, data are loaded by the workers."""

PREFIX = "altiplano-ray-"
TRAINABLE = "trainables.trainable"
"""What a worker imports first: with it torch and Tune."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Members run side by side in processes of their own, so that more threads would only be in each other's way."""

TUNE = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # launch handles Ctrl-C
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "60",
    "TUNE_MAX_PENDING_TRIALS_PG": "16",  # the searcher says itself how many there may be; Tune's 1 starts workers one by one, 4 s each
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is of no use to us
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # a path in a study file means the same to a worker as to who launches it
}


SECRET = re.compile("SECRET|TOKEN|KEY|PASSWORD")
"""Names of environment variables that Tune shall not hand to workers, as it does AWS_SECRET_ACCESS_KEY: Ray logs what it hands over."""


class RayGone(RuntimeError):  # noqa: N818 it is told as it is
    """There is no machine left to run anything."""


class Coming(Protocol):
    """A Ray of our own that somebody has begun to start."""

    def take(self) -> Path | None:
        """Its folder, for whoever will end it; None where it is somebody's already."""
        ...


@contextmanager
def cluster(
    address: str | None = None, processors: int | None = None, modules: Sequence[str] = (), coming: Coming | None = None
) -> Iterator[None]:
    """Be connected to Ray; a connection that there is already stays as it is.

    Args:
        address: "auto" or a cluster's address; None starts Ray here, and ends it afterwards.
        processors: How many CPUs a Ray of our own offers; all by default.
        modules: Files and folders of Python modules that a cluster's workers need and do not have: the user's own.
        coming: A Ray of our own that is being started, to be had instead of a new one, and to be ended as that.

    Raises:
        UserError: If there is no cluster at the address, or it does not take the modules.
    """
    with environment():
        if coming and (folder := coming.take()):
            with _ours(folder):
                yield
        elif ray.is_initialized():
            yield
        elif address:
            _connect(address, modules)
            try:
                yield
            finally:
                ray.shutdown()
        else:
            with _ours(started(processors)):
                yield


@contextmanager
def environment() -> Iterator[None]:
    """What Tune and the workers read from the environment, and what Tune leaves out; undone afterwards, since the process is the user's."""
    ours = {name: value for name, value in (TUNE | ONE_THREAD).items() if name not in os.environ}
    os.environ.update(ours)
    handed = class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.ENV_VARS_TO_PROPAGATE = {name for name in handed if not SECRET.search(name)}
    counted, usage.tag_callbacks = usage.tag_callbacks, _uncounted
    try:
        yield
    finally:
        class_cache.ENV_VARS_TO_PROPAGATE = handed
        usage.tag_callbacks = counted
        for name in ours:
            os.environ.pop(name, None)


def _uncounted(callbacks: Any) -> bool:
    """Not counted which trackers' callbacks Tune is given: for that it imports mlflow, wandb and comet, whichever is installed."""
    return False


@contextmanager
def _ours(folder: Path) -> Iterator[None]:
    """A Ray of our own, ended afterwards and its folder removed.

    Its workers have this process' environment from it. So Tune hands them nothing: for an actor with an environment of its own Ray starts a
    process anew, whatever processes wait.
    """
    handed, always = class_cache.ENV_VARS_TO_PROPAGATE, class_cache.DEFAULT_ENV_VARS
    class_cache.ENV_VARS_TO_PROPAGATE, class_cache.DEFAULT_ENV_VARS = set(), {}
    try:
        yield
    finally:
        class_cache.ENV_VARS_TO_PROPAGATE, class_cache.DEFAULT_ENV_VARS = handed, always
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Have Ray's servers listen to the loopback device only, as where it has no clusters; whoever reaches them may run code as the user."""
    clusters, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters


@_alone()
def started(processors: int | None = None, *, warm: bool = False) -> Path:
    """Start Ray here: its folder.

    Args:
        processors: How many CPUs it offers; all by default.
        warm: Whether the processes that it starts, one a CPU, import at once what a worker needs; best where all will be workers. (What a
            task has imported is of no use to an actor: Ray starts another process for it.)

    Raises:
        RayGone: If it does not come up: Ray itself raises a plain Exception where one of its processes dies meanwhile.
    """
    sweep()
    folder = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir="/tmp")
    try:
        with bare() as config:
            ray.init(
                address="local",  # whatever else runs on this machine, and whatever RAY_ADDRESS says
                num_cpus=processors,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=OBJECT_STORE,
                _system_config={**config, **({"preload_python_modules": [TRAINABLE]} if warm else {})},
                _temp_dir=folder,
            )
    except Exception as error:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
        raise RayGone(f"Ray could not be started ({str(error).splitlines()[0] if str(error) else type(error).__name__})") from error
    return Path(folder)


def put_away(coming: Coming) -> None:
    """End a Ray that nobody took."""
    with suppress(RayGone):
        if folder := coming.take():
            with _ours(folder):
                pass


def _connect(address: str, modules: Sequence[str]) -> None:
    surroundings = {"env_vars": ONE_THREAD, **({"py_modules": list(modules)} if modules else {})}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, runtime_env=surroundings)
    except AuthenticationError as error:
        raise UserError(
            f"--address {address}: the Ray cluster must be shown its token; put it into ~/.ray/auth_token (its head has it there) and "
            "`export RAY_AUTH_MODE=token`"
        ) from error
    except ConnectionError as error:
        words = "" if os.environ.get("RAY_AUTH_MODE") else "; where it has a token, `export RAY_AUTH_MODE=token` first"
        raise UserError(
            f"--address {address}: there is no Ray cluster; start one with `ray start --head`, or leave --address out{words}"
        ) from error
    except RuntimeEnvSetupError as error:
        raise UserError(f"--address {address}: the cluster must take {', '.join(modules)}, it does not: {error}") from error


def logs() -> Path | None:
    """Where the workers of a Ray of our own write their logs; None where Ray is another's or not there."""
    folders = sorted(Path("/tmp").glob(f"{PREFIX}{os.getpid()}-*/session_latest/logs"))  # noqa: S108 Ray's sockets need a path of few letters
    return folders[-1] if folders else None


def scratch() -> Path:
    """A folder of this machine for what Tune writes, which the next `sweep` after this process' end removes."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-tune-", dir="/tmp"))


def sweep() -> None:
    """Remove what Rays of ours left whose driver was killed."""
    for folder in Path("/tmp").glob(f"{PREFIX}*"):  # noqa: S108 likewise
        process = folder.name.removeprefix(PREFIX).partition("-")[0]
        if process.isdigit() and not Path(f"/proc/{process}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def slots(cpu: float, gpu: float) -> int:
    """How many groups the cluster can run at a time, each taking `cpu` and `gpu`; at least one."""
    there = ray.cluster_resources()
    rooms = [there.get(name, 0.0) // need for name, need in (("CPU", cpu), ("GPU", gpu)) if need > 0]
    return max(1, int(min(rooms)))
