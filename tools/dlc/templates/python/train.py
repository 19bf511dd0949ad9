"""Trains the network of spiral.dl on points that it makes, and prints the loss as it falls."""

import numpy as np

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
    model = spiral.Model()

    # The tensors of a `State`, in the order of spiral.dl; those of `params` come first.
    state = model.result("init")
    model.call("init", [], np.array([0, 42], np.uint32), *state)
    params = state[:4]

    rate, loss = np.array(0.02, np.float32), np.zeros((), np.float32)
    for i in range(STEPS + 1):
        model.call("train_step", [POINTS], *state, points, arms, rate, loss)
        if i % 100 == 0:
            print(f"step {i:3}  loss {loss:.4f}")

    predicted = np.zeros(POINTS, np.int32)
    model.call("predict", [POINTS], *params, points, predicted)
    print(f"{np.sum(predicted == arms)} of {POINTS} points are told right")


if __name__ == "__main__":
    main()
