#!/usr/bin/env bash
# What the choices for ones against sevens rest on: the same task with other digits in their place. For each of four
# pairs, an encoder of the six digits that are in neither pair, then the two votes on the pair. Run in the repository's
# root; further arguments change the recipe of the encoder:
#   bash results/mnist17/choose.sh chosen
#   bash results/mnist17/choose.sh plain --model.label_smoothing 0 --model.augmentation null
set -euo pipefail
recipe=$1; shift
configs=configs/label_flip
for pair in "0 2" "3 4" "5 6" "8 9"; do
  read -r a b <<<"$pair"
  runs=runs/choose/$recipe/$a$b
  others=$(seq -s, 0 9 | sed "s/\b[17$a$b]\b,\?//g; s/,$//")
  [ -f "$runs/encoder/checkpoints/encoder.ckpt" ] ||
    smoothing fit --config $configs/encoder.yaml --data.classes "[$others]" --run_dir "$runs/encoder" "$@"
  pair_of=(--data.classes "[$a,$b]" --model.encoder.base_ckpt "$runs/encoder/checkpoints/encoder.ckpt")
  smoothing certify --config $configs/mnist17_best_ridge.yaml "${pair_of[@]}" --run_dir "$runs/ridge_two_axes"
  smoothing certify --config $configs/mnist17_best_ridge.yaml "${pair_of[@]}" --run_dir "$runs/ridge_all_axes" \
    --model.votes.transforms '[{class_path: Centre}, {class_path: Normalise}]'
  smoothing certify --config $configs/mnist17_clusters.yaml "${pair_of[@]}" --run_dir "$runs/clusters"
done
