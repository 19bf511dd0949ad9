"""Trains the network of spiral.dl on points that it makes, and prints the loss as it falls."""

import pathlib
import sys

import numpy as np

# The package that `dlc build --emit=python` wrote; it needs neither dlc nor another package where it runs.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "build"))
import spiral

ARMS, STEPS = 3, 500
POINTS = 100 * ARMS


def make_spiral():
    """Points on the arms of a spiral, and the arm of each."""
    i = np.arange(POINTS)
    radius = (i // ARMS + 1) / (POINTS // ARMS)
    angle = 4 * radius + 2 * np.pi / ARMS * (i % ARMS)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype(np.float32), (i % ARMS).astype(np.int32)


def main():
    points, arms = make_spiral()
    state = spiral.init(42)
    for i in range(STEPS + 1):
        loss = spiral.train_step(state, points, arms, 0.02)  # changes `state`
        if i % 100 == 0:
            print(f"step {i:3}  loss {loss:.4f}")

    predicted = spiral.predict(state.params, points)
    print(f"{np.sum(predicted == arms)} of {POINTS} points are told right")


if __name__ == "__main__":
    main()
