"""The files for Ray's cluster launcher and for Kubernetes and SLURM: as far as they can be tried without such a cluster."""

import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "cluster.yaml", ROOT / "docs/cluster/aws.yaml", ROOT / "docs/cluster/gcp.yaml"]


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_rays_launcher_takes_the_file(path):
    validate_config(prepare_config(read(path)))


def test_rays_launcher_does_not_take_everything():
    wrong = {**read(ROOT / "cluster.yaml"), "workers": 2}
    with pytest.raises(jsonschema.ValidationError, match="workers"):
        validate_config(prepare_config(wrong))


def test_as_many_workers_are_wanted_as_are_named():
    config = read(ROOT / "cluster.yaml")
    assert config["min_workers"] == config["max_workers"] == len(config["provider"]["worker_ips"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_node_is_started_with_the_token_and_the_pinned_versions(path):
    config = read(path)
    assert "~/.ray/auth_token" in config["file_mounts"]
    assert any("--constraint constraints.txt" in command for command in config["setup_commands"])
    for kind in ("head", "worker"):
        (start,) = [command for command in config[f"{kind}_start_ray_commands"] if "ray start" in command]
        assert "RAY_AUTH_MODE=token" in start
    head = " ".join(config["head_start_ray_commands"])
    assert "--dashboard-host=127.0.0.1" in head


def test_kubernetes_has_this_ray_and_authentication():
    import ray

    spec = read(ROOT / "docs/cluster/kuberay.yaml")["spec"]
    assert spec["rayVersion"] == ray.__version__
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        (container,) = group["template"]["spec"]["containers"]
        assert {"name": "RAY_AUTH_MODE", "value": "token"} in container["env"]


def test_the_script_for_slurm_can_be_read_by_bash():
    subprocess.run(["bash", "-n", str(ROOT / "docs/cluster/slurm.sh")], check=True)
