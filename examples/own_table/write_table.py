"""Write a CSV file, then convert it to the arrays that FeatureFile reads."""

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

wine = load_wine()
names = [name.split("/")[0] for name in wine.feature_names]
table = np.column_stack([wine.data, wine.target])
np.savetxt("wine.csv", table, fmt="%.17g", delimiter=",", header=",".join([*names, "class"]), comments="")

# Your own file starts here: the last column holds the class, a whole number from 0.
table = np.loadtxt("wine.csv", delimiter=",", skiprows=1)
train, test = train_test_split(table, test_size=60, random_state=0)
np.savez(
    "wine.npz",
    x_train=train[:, :-1],
    y_train=train[:, -1].astype(int),
    x_test=test[:, :-1],
    y_test=test[:, -1].astype(int),
)
