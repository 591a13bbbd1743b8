#!/usr/bin/env bash
# Runs all commands of README.md in this folder, one after another, from the root of the repository. Finished runs are
# not computed again.
set -euo pipefail
configs=configs/denoise
draws=(--model.certifiers.clopper_pearson.n0 100 --model.certifiers.clopper_pearson.n 900)
weights=${1:-https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/resnet56-4bfd9763.th}

mnist() { smoothing certify --config $configs/mnist.yaml --run_dir "runs/mnist_$1" "${@:2}"; }
denoised() { mnist "denoised_$1" --model.measure.measure.sigma "${1%_*}" "${@:2}"; }
noise() { mnist "noise_$1" --model.measure Gaussian --model.measure.sigma "${1%_*}" "${@:2}"; }

[ -d runs/denoise/mnist_ddpm/denoiser ] || smoothing fit --config $configs/mnist_ddpm.yaml
[ -d runs/mnist_clean ] || smoothing fit --config $configs/mnist_test_time.yaml
mnist plain --model.measure Unchanged --model.certifiers '{empirical: {class_path: Empirical, init_args: {n: 20}}}'
denoised 0.25 "${draws[@]}"
noise 0.25 "${draws[@]}"
for sigma in 0.1 0.5 1.0; do
  denoised $sigma
  noise $sigma
done
denoised 1.0_2 --model.votes.learner.epochs 2
for epochs in 2 32; do
  noise 1.0_$epochs --model.votes.learner.epochs $epochs
done
for sigma in 0.1 0.25; do
  smoothing certify --config $configs/cifar10.yaml --run_dir runs/cifar10_$sigma --model.measure.sigma $sigma \
    --model.votes.body.precision bfloat16 --model.votes.body.network.weights "$weights"
done
[ -d results/cifar10_ddpm_small ] || smoothing fit --config $configs/cifar10_ddpm_small.yaml
for sigma in 0.1 0.25 0.5; do
  smoothing certify --config $configs/cifar10_denoised.yaml --run_dir runs/cifar10_denoised_$sigma --model.measure.measure.sigma $sigma
  smoothing certify --config $configs/cifar10_denoised.yaml --run_dir runs/cifar10_noise_$sigma --model.measure Gaussian \
    --model.measure.sigma $sigma
done
test_time() { smoothing certify --config $configs/mnist_test_time.yaml --data.every 50 --base_ckpt runs/mnist_clean/checkpoints/lenet.ckpt \
  --run_dir "runs/mnist_test_time_$1" "${@:2}"; }
for sigma in 0.25 0.5 1.0; do
  test_time $sigma --model.measure.measure.sigma $sigma
  test_time noise_$sigma --model.measure Gaussian --model.measure.sigma $sigma --model.votes.network.any_measure true
done
smoothing compare runs/mnist_{denoised,noise}_{0.1,0.25,0.5,1.0} --radii '[0, 0.1, 0.25, 0.5, 0.75, 1, 1.5]' \
  --out runs/compared/denoise_mnist
for ending in csv md png tex; do cp runs/compared/denoise_mnist/comparison.$ending results/denoise/mnist.$ending; done
sed -i 's/(comparison.png)/(mnist.png)/' results/denoise/mnist.md
python -m results.denoise.make runs
