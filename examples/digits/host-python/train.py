"""Trains and evaluates the compiled classifier from Python: `train.py [--torch] DATA_DIR [LOSSES]`.

The package `digits`, as `dlc build --emit=python` writes it, is in PYTHONPATH or installed as a wheel. With `--torch` all
arrays are tensors of PyTorch, which the library changes in place. The order of the samples is that of the hosts in other
languages, so that all print the same. LOSSES gets a line for each epoch, the bits of its mean loss.
"""

import dataclasses
import pathlib
import struct
import sys

import digits
import numpy as np

BATCH, EPOCHS, LEARNING_RATE = 32, 60, 1e-3


def random_numbers(state=1):
    """Knuth's MMIX generator; the high bits are the good ones."""
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 33


def to_torch(tree):
    """The same memory as tensors of PyTorch."""
    import torch

    if isinstance(tree, np.ndarray):
        return torch.from_numpy(tree)
    return type(tree)(*(to_torch(getattr(tree, field.name)) for field in dataclasses.fields(tree)))


def main(arguments):
    has_torch = "--torch" in arguments
    folder, *losses = [argument for argument in arguments if argument != "--torch"]
    images, labels = (np.load(pathlib.Path(folder) / f"{name}.npy") for name in ("images", "labels"))
    indices = np.arange(len(labels))
    train, test = list(indices[indices % 5 != 0]), indices[indices % 5 == 0]

    state = digits.init(42)
    if has_torch:
        state, images, labels = to_torch(state), to_torch(images), to_torch(labels)
    random, lines = random_numbers(), []
    for _ in range(EPOCHS):
        for i in reversed(range(1, len(train))):
            j = next(random) % (i + 1)
            train[i], train[j] = train[j], train[i]
        mean = 0.0
        for at in range(0, len(train), BATCH):
            part = np.array(train[at:at + BATCH])
            mean += digits.train_step(state, images[part], labels[part], LEARNING_RATE) * len(part)
        mean /= len(train)
        lines.append(struct.pack(">d", mean).hex() + "\n")

    right = int((digits.predict(state.params, images[test]) == labels[test]).sum())
    what = "PyTorch" if has_torch else "NumPy"
    accuracy = right / len(test)
    print(f"{what}: mean loss of the last epoch {mean:.6f}, test accuracy {accuracy:.4f} ({right} of {len(test)})")
    if losses:
        pathlib.Path(losses[0]).write_text("".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
