#!/usr/bin/env bash
# Runs all trials of README.md in this folder on CIFAR-10, from the root of the repository. Interrupted runs resume.
set -euo pipefail
configs=configs/arena
trials() { smoothing attack --config "$configs/$1.yaml" --run_dir "runs/arena_$2" "${@:3}"; }

[ -d results/cifar10_ddpm_small ] || smoothing fit --config configs/denoise/cifar10_ddpm_small.yaml
trials cifar10_transfer transfer
trials cifar10_transfer transfer_more --data.budget.eps 0.0627450 --data.setups 10
trials cifar10_transfer_robust transfer_robust
trials cifar10_scratch scratch
python -m results.arena.make runs
