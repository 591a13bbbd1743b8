#!/usr/bin/env bash
# Choice of lambda for configs/label_flip/mnist17_ntk.yaml: the same task on four pairs of other digits, with the pairs'
# examples among the first 5,000 training images, about 1,000 per pair. A factor of n makes lambda the trace of the kernel
# matrix. Run in the repository's root.
set -euo pipefail
for pair in 0,2 3,4 5,6 8,9; do
  for factor in 1 10 100 1000 10000; do
    smoothing certify --config configs/label_flip/mnist17_ntk.yaml --data.classes "[$pair]" --data.training 'train[0:5000]' \
      --model.votes.regularisation.factor $factor --model.certifiers '{exact: {class_path: ExactVote}}' \
      --data.every 10 --trainer.logger false --run_dir "runs/choose_ntk/${pair/,/}_$factor"
  done
done
