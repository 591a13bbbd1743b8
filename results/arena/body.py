"""Trains the frozen body of configs/arena/digits.yaml on the half of the digits that is not under attack."""

from pathlib import Path

from safetensors.torch import save_file

from datamodules import Digits
from lightning_modules.defences import Training
from lightning_modules.encoders import FeatureNetwork

data = Digits(training="train[:599]")
data.setup()
training = Training(network=FeatureNetwork([1, 8, 8], 10, 16), epochs=40, batch_size=64, learning_rate=0.05)
network = training.train(*data.training_set(), data.num_classes, (0,))
save_file(network.state_dict(), Path(__file__).with_name("digits_body.safetensors"))
