#!/usr/bin/env bash
# Every run of README.md beside it that two cores and less than 3 GB suffice for, one after the other, in the repository's
# root. What is finished is not computed again.
set -euo pipefail
configs=configs/label_flip
certify() { smoothing certify --config "$configs/$1.yaml" "${@:2}"; }

certify mnist
certify mnist_ridge
certify mnist_paper
for factor in 0.01 0.1 1 10; do
  certify cifar10_patches --run_dir "runs/cifar10_patches_$factor" --model.votes.regularisation.factor "$factor"
done
for factor in 0.1 1 10 100; do
  certify imdb --run_dir "runs/imdb_$factor" --model.votes.regularisation.factor "$factor"
done
certify imdb_paper
certify spambase
certify mnist17_attacked
certify mnist17_undefended
certify mnist17_unregularised
certify mnist17 --run_dir runs/mnist17_label_free_q0.3 \
  --model.votes.regularisation '{class_path: Relative, init_args: {factor: 1.0}}'
smoothing compare runs/mnist17_attacked runs/mnist17_undefended --out results/label_flip/attacks
python -m results.label_flip.make runs
