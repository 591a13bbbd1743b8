"""Write a CSV file, then convert it to the arrays that FeatureFile reads."""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

tumours = load_breast_cancer()
table = np.column_stack([tumours.data, tumours.target])
np.savetxt(
    "tumours.csv", table, fmt="%.17g", delimiter=",", header=",".join([*tumours.feature_names, "class"]), comments=""
)

# Your own file starts here: the last column holds the class, a whole number from 0.
table = np.loadtxt("tumours.csv", delimiter=",", skiprows=1)
train, test = train_test_split(table, test_size=150, random_state=0)
np.savez(
    "tumours.npz",
    x_train=train[:, :-1],
    y_train=train[:, -1].astype(int),
    x_test=test[:, :-1],
    y_test=test[:, -1].astype(int),
)
