#!/usr/bin/env bash
# Runs the commands of README.md in this folder that need at most two cores and 4 GB, one after another, from the root of
# the repository, then the comparisons. Finished runs are not computed again.
set -euo pipefail
here=results/label_flip
certify() { smoothing certify --config "configs/label_flip/$1.yaml" --run_dir "runs/$1" "${@:2}"; }
# The files of one comparison, named after it.
compare() {
  smoothing compare "${@:3}" --radii "[$2]" --out "runs/compared/$1"
  for ending in csv md png tex; do cp "runs/compared/$1/comparison.$ending" "$here/$1.$ending"; done
  sed -i "s/(comparison.png)/($1.png)/" "$here/$1.md"
}
counted='{dpa: {class_path: Plurality}, run_off: {class_path: RunOff}}'
exact='{exact: {class_path: ExactVote}}'
plain='[{class_path: PCA, init_args: {components: 256}}, {class_path: Normalise}]'
wider='[{class_path: PCA, init_args: {components: 512, whiten: true}}, {class_path: Normalise}]'

certify mnist
certify mnist_ridge --data.every 10
certify mnist_paper
certify mnist_clusters
certify mnist_bagging
certify mnist_partitions --model.certifiers "$counted"
certify mnist_partitions --run_dir runs/mnist_white_box --data.every 20
compare mnist '1, 10, 100, 200, 300, 400, 500, 800, 1000, 1400' $here/published/rosenfeld2020_mnist.csv \
  runs/mnist runs/mnist_{ridge,paper,clusters,bagging,partitions,white_box}

certify cifar10_patches
certify cifar10_patches --run_dir runs/cifar10_patches_plain_1 --model.votes.regularisation.factor 1 \
  --model.votes.transforms "$plain"
certify cifar10_patches --run_dir runs/cifar10_patches_1000 --model.votes.regularisation.factor 1000
certify cifar10_patches --run_dir runs/cifar10_patches_512 --model.votes.transforms "$wider"
compare cifar10 '0, 1, 10, 50, 100, 200, 300, 400' $here/published/rosenfeld2020_cifar10.csv runs/cifar10_patches*
# Weights of tf_efficientnet_lite0: from timm's hub, or a file.
weights="--model.encoder.backbone.weights ${TIMM_WEIGHTS:-true}"
for vote in '' _ridge _partitions; do
  certify cifar10_transfer$vote $weights
done
compare cifar10_transfer '0, 1, 50, 100, 200, 300, 400, 600, 750' $here/published/rosenfeld2020_cifar10.csv \
  runs/cifar10_transfer{,_ridge,_partitions}

for factor in 0.1 1 10 100; do
  certify imdb --run_dir "runs/imdb_$factor" --model.votes.regularisation.factor "$factor" --model.certifiers "$exact"
done
certify imdb_paper
certify imdb_partitions --model.certifiers "$counted"
compare imdb '1, 10, 25, 50, 100, 200, 300, 1000' $here/published/rosenfeld2020_imdb.csv \
  runs/imdb_{0.1,1,10,100,paper,partitions}

certify mnist17_collective
certify cifar10_transfer --run_dir runs/cifar10_transfer_every_5 --data.every 5 $weights
compare mnist17_collective '1, 1000, 2000, 3000, 4000, 5000, 6000, 7000' runs/mnist17_collective
compare cifar10_transfer_every_5 '1, 100, 300, 1000, 2000, 5000, 10000' runs/cifar10_transfer_every_5

certify spambase
compare spambase '1, 10, 50, 100, 200, 300, 500' runs/spambase

certify mnist17_attacked
certify mnist17_undefended --data.every 100
compare attacks '1, 10, 100, 500, 1000, 1500, 2000, 4000' $here/published/rosenfeld2020_attacks.csv \
  runs/mnist17_{attacked,undefended}

certify mnist17_unregularised
certify mnist17 --run_dir runs/mnist17_regularised --model.votes.regularisation \
  '{class_path: Relative, init_args: {factor: 1.0}}'
compare unregularised '1, 10, 100, 500, 1000, 1500, 2000' runs/mnist17_{un,}regularised
python -m results.label_flip.tight_against_kl
python -m results.label_flip.reported
