#!/usr/bin/env bash
# A study on the nodes of one SLURM job: sbatch docs/cluster/slurm.sh studies/digits.yaml
# The same line again, after the time limit or a preemption, goes on with it. CHANGE the numbers; run it from this folder, on a shared disk.
#SBATCH --job-name=altiplano
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-task=4
#SBATCH --cpus-per-task=16
#SBATCH --time=12:00:00
#SBATCH --signal=B:TERM@300
set -euo pipefail

study=$1
home=${ALTIPLANO_HOME:-$PWD/studies-home}
name=$(.venv/bin/python -c 'import sys; from search import Study; print(Study.read(sys.argv[1]).name)' "$study")

# One token a job, readable by you alone: other users of these nodes reach Ray's ports, too.
umask 077
token=$(mktemp "$PWD/.token-XXXXXX")
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$token"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token RAY_USAGE_STATS_ENABLED=0 PATH=$PWD/.venv/bin:$PATH

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$first:$((20000 + SLURM_JOB_ID % 10000))
trap 'kill "${nodes[@]}" 2>/dev/null || true; rm -f "$token"' EXIT

nodes=()
srun --nodes=1 --ntasks=1 --nodelist="$first" ray start --head --port="${address#*:}" --include-dashboard=false --block &
nodes+=($!)
for _ in {1..60}; do ray status --address "$address" >/dev/null 2>&1 && break || sleep 1; done
if [ "$SLURM_JOB_NUM_NODES" -gt 1 ]; then
    srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) --exclude="$first" ray start --address="$address" --block &
    nodes+=($!)
fi

# SLURM's TERM comes five minutes before the end: every worker finishes its epoch and saves.
if [ -e "$home/$name/study.yaml" ]; then verb=(resume "$name"); else verb=(launch "$study"); fi
altiplano "${verb[@]}" --home "$home" --address "$address" &
search=$!
trap 'kill -TERM $search' TERM
wait $search || wait $search
altiplano report "$name" --home "$home"
