# Further arguments are options of each run.
set -euo pipefail
runs=()
for q in 0.05 0.1 0.2; do
    smoothing certify --config configs/label_flip/digits.yaml --model.measure.q "$q" --run_dir "runs/sweep/q_$q" "$@"
    runs+=("runs/sweep/q_$q")
done
smoothing compare "${runs[@]}" --out runs/sweep/comparison
