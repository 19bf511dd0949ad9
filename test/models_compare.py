#!/usr/bin/env python3
"""The programs of test/models_std, written with the standard library alone, against the same networks in PyTorch.

`models_compare.py DLC [NAME...]` makes each network with random weights, writes them and an input as safetensors and npy,
lets `dlc run` compute the result from them, and wants agreement to 1e-4 of the largest number; decoding word by word and
the whole sequence have to agree to 1e-5. Prints a line `skipped: REASON` where a package is missing.
"""

import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    from safetensors.numpy import save_file
    from torch import nn
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(0)

FOLDER = pathlib.Path(__file__).parent / "models_std"
TOLERANCE = 1e-4


def linear(layer):
    return {"w": layer.weight.T, "b": layer.bias}


def conv(layer):
    bias = layer.bias if layer.bias is not None else torch.zeros(layer.weight.shape[0])
    return {"w": layer.weight, "b": bias}


def norm(layer):
    return {"scale": layer.weight, "bias": layer.bias}


def lstm(layer, n=0):
    bias = getattr(layer, f"bias_ih_l{n}") + getattr(layer, f"bias_hh_l{n}")
    return {"wx": getattr(layer, f"weight_ih_l{n}").T, "wh": getattr(layer, f"weight_hh_l{n}").T, "b": bias}


def leaves(tree, path=""):
    """A tree of dicts and lists as `dlc run` names its leaves: `blocks.0.norm.scale`."""
    if isinstance(tree, torch.Tensor):
        return {path: np.ascontiguousarray(tree.detach().numpy())}
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
    flat = {}
    for name, part in parts:
        flat.update(leaves(part, f"{path}.{name}" if path else str(name)))
    return flat


class Dlc:
    """Runs exports of a program with files of one folder."""

    def __init__(self, dlc, program, folder):
        self.command = [dlc, "run"]
        self.program, self.folder = program, folder

    def run(self, export, outputs, **inputs):
        """The outputs by name; trees are given and come back as dicts of leaves."""
        command = self.command + [f"{self.program}::{export}"]
        for name, value in inputs.items():
            if isinstance(value, dict):
                save_file(value, self.folder / f"{name}.safetensors")
                command += ["--input", f"{name}=@{name}.safetensors"]
            else:
                np.save(self.folder / f"{name}.npy", value)
                command += ["--input", f"{name}=@{name}.npy"]
        for name, kind in outputs.items():
            command += ["--output", f"{name}=@{name}-after.{kind}"]
        subprocess.run(command, cwd=self.folder, check=True)
        files = {name: np.load(self.folder / f"{name}-after.{kind}") for name, kind in outputs.items()}
        return [dict(files[name]) if kind == "npz" else files[name] for name, kind in outputs.items()]


def check(name, actual, expected, tolerance=TOLERANCE):
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    assert actual.shape == expected.shape and actual.dtype == expected.dtype, (name, actual.shape, expected.shape)
    off = float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))
    if not off <= tolerance:
        sys.exit(f"{name} is off by {off:.3g}, allowed are {tolerance:g}")
    print(f"{name}: {off:.2g}")


def lenet(dlc):
    conv1, conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
    dense = [nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)]
    pool = nn.MaxPool2d(2)
    net = nn.Sequential(
        conv1, nn.ReLU(), pool, conv2, nn.ReLU(), pool, nn.Flatten(),
        dense[0], nn.ReLU(), dense[1], nn.ReLU(), dense[2],
    )  # fmt: skip
    p = {"conv1": conv(conv1), "conv2": conv(conv2)}
    p.update({f"fc{i + 1}": linear(layer) for i, layer in enumerate(dense)})
    for batch in [1, 5]:
        x = torch.randn(batch, 1, 28, 28)
        [out] = dlc.run("forward", {"out": "npy"}, p=leaves(p), x=x.numpy())
        check(f"LeNet, batch {batch}", out, net(x))


class Residual(nn.Module):
    """A basic block of ResNet."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.short = nn.Sequential()
        if stride != 1:
            self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.short(x))


def resnet(dlc):
    def normed(layer, batch_norm):
        stats = {"mean": batch_norm.running_mean, "var": batch_norm.running_var}
        return {"conv": conv(layer), "norm": norm(batch_norm), "stats": stats}

    first, second = Residual(8, 16, 2), Residual(16, 16, 1)
    net = nn.Sequential(first, second)
    for _ in range(3):  # gives the norms statistics
        net(2 * torch.randn(16, 8, 12, 12) + 1)
    net.eval()
    p = {
        "first1": normed(first.conv1, first.norm1),
        "first2": normed(first.conv2, first.norm2),
        "shortcut": normed(*first.short),
        "second1": normed(second.conv1, second.norm1),
        "second2": normed(second.conv2, second.norm2),
    }
    for batch, height, width in [(1, 8, 8), (3, 10, 6)]:
        x = torch.randn(batch, 8, height, width)
        [out] = dlc.run("forward", {"out": "npy"}, p=leaves(p), x=x.numpy())
        check(f"ResNet-18 blocks, {batch}x{height}x{width}", out, net(x))


def language_model(dlc):
    words, layers, out = nn.Embedding(50, 24), nn.LSTM(24, 32, num_layers=2, batch_first=True), nn.Linear(32, 50)
    p = leaves({"words": {"table": words.weight}, "lstm1": lstm(layers, 0), "lstm2": lstm(layers, 1), "out": linear(out)})
    for batch, length in [(1, 1), (3, 17)]:
        ids = torch.randint(0, 50, (batch, length))
        expected = out(layers(words(ids))[0])
        numbers = ids.numpy().astype(np.int32)
        [found] = dlc.run("forward", {"out": "npy"}, p=p, ids=numbers)
        check(f"LSTM language model, {batch}x{length}", found, expected)
    state = {f"{layer}.{part}": np.zeros((batch, 32), np.float32) for layer in ["one", "two"] for part in "hc"}
    steps = []
    for t in range(4):
        step, state = dlc.run("step", {"out": "npy", "s": "npz"}, p=p, s=state, ids=np.ascontiguousarray(numbers[:, t]))
        steps.append(step)
    check("LSTM step by step", np.stack(steps, axis=1), expected[:, :4])


class Decoder(nn.Module):
    """A block of GPT-2."""

    def __init__(self, features, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.q, self.k, self.v, self.out = (nn.Linear(features, features) for _ in range(4))
        self.up, self.down = nn.Linear(features, 4 * features), nn.Linear(4 * features, features)
        self.heads = heads

    def forward(self, x):
        def split(y):
            return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        y = self.norm1(x)
        q, k, v = split(self.q(y)), split(self.k(y)), split(self.v(y))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).flatten(-2))
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x)), approximate="tanh"))

    def parameters_of(self):
        attention = {name: linear(getattr(self, name)) for name in ["q", "k", "v", "out"]}
        mlp = {"hidden": linear(self.up), "out": linear(self.down)}
        return {"norm1": norm(self.norm1), "attention": attention, "norm2": norm(self.norm2), "mlp": mlp}


def gpt(dlc):
    vocabulary, places, layers, heads, features = 61, 32, 3, 4, 32
    words, positions = nn.Embedding(vocabulary, features), nn.Embedding(places, features)
    blocks, last = [Decoder(features, heads) for _ in range(layers)], nn.LayerNorm(features)
    p = leaves(
        {
            "words": {"table": words.weight},
            "places": {"table": positions.weight},
            "blocks": [block.parameters_of() for block in blocks],
            "norm": norm(last),
        }
    )
    for batch, length in [(1, 1), (2, 32)]:
        ids = torch.randint(0, vocabulary, (batch, length))
        x = words(ids) + positions(torch.arange(length))
        for block in blocks:
            x = block(x)
        expected = last(x) @ words.weight.T
        numbers = ids.numpy().astype(np.int32)
        [whole] = dlc.run("forward", {"out": "npy"}, p=p, ids=numbers)
        check(f"GPT, {batch}x{length}", whole, expected)
        [decoded] = dlc.run("decode", {"out": "npy"}, p=p, ids=numbers)
        check(f"GPT word by word, {batch}x{length}", decoded, whole, 1e-5)
    shape = (batch, heads, places, features // heads)
    caches = {f"layers.{i}.{part}": np.zeros(shape, np.float32) for i in range(layers) for part in "kv"}
    caches.update({f"layers.{i}.length": np.array(0, np.int32) for i in range(layers)})
    for t in range(3):
        word = np.ascontiguousarray(numbers[:, t])
        step, caches = dlc.run("step", {"out": "npy", "c": "npz"}, p=p, c=caches, ids=word)
        check(f"GPT step {t}", step, whole[:, t], 1e-5)


def unet(dlc):
    class Double(nn.Sequential):
        def __init__(self, inputs, outputs):
            a, b = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
            super().__init__(a, nn.ReLU(), b, nn.ReLU())

        def parameters_of(self):
            return {"a": conv(self[0]), "b": conv(self[2])}

    down1, down2, bottom, level2, level1 = Double(1, 8), Double(8, 16), Double(16, 32), Double(32, 16), Double(16, 8)
    up2, up1, out, pool = nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(8, 2, 1), nn.MaxPool2d(2)
    p = {
        "down1": down1.parameters_of(), "down2": down2.parameters_of(), "bottom": bottom.parameters_of(),
        "level2": level2.parameters_of(), "level1": level1.parameters_of(), "out": conv(out),
        "up2": {"w": up2.weight, "b": up2.bias}, "up1": {"w": up1.weight, "b": up1.bias},
    }  # fmt: skip
    for batch, height, width in [(1, 16, 16), (2, 8, 20)]:
        x = torch.randn(batch, 1, height, width)
        one = down1(x)
        two = down2(pool(one))
        wide = level2(torch.cat([two, up2(bottom(pool(two)))], dim=1))
        expected = out(level1(torch.cat([one, up1(wide)], dim=1)))
        [found] = dlc.run("forward", {"out": "npy"}, p=leaves(p), x=x.numpy())
        check(f"U-Net, {batch}x{height}x{width}", found, expected)


def main():
    dlc, *names = sys.argv[1:]
    models = {"lenet": lenet, "resnet": resnet, "lstm": language_model, "gpt": gpt, "unet": unet}
    for name in names or models:
        torch.manual_seed(0)
        program = (FOLDER / f"{name}.dl").resolve()
        if sum(1 for _ in program.open()) >= 60:
            sys.exit(f"{name}.dl has 60 lines or more")
        with tempfile.TemporaryDirectory() as folder:
            models[name](Dlc(pathlib.Path(dlc).resolve(), program, pathlib.Path(folder)))
    print("agrees with PyTorch", torch.__version__)


main()
