"""What PyTorch and onnxruntime make of birnn's files, and what birnn is to make of PyTorch's.

    python witness.py FOLDER        holds the logits of the nets in FOLDER/nets.json against birnn's
    python witness.py FOLDER tutorial   trains by the tutorial's recipe, saves FOLDER/tutorial.ckpt
    python witness.py FOLDER readme     runs the Python of the README, FOLDER/readme.py

Each answers with a line of JSON. Images are bytes [images, 28, 28] in FOLDER/images.safetensors.
"""

import json
import pathlib
import runpy
import sys

import onnxruntime
import torch
from safetensors.torch import load_file
from torch import nn

FOLDER = pathlib.Path(sys.argv[1])
FEATURES, CLASSES = 28, 10


class Net(nn.Module):
    """The tutorial's class, with every cell and readout that birnn has."""

    def __init__(self, cell, layers, hidden, bidirectional, readout, nonlinearity=None):
        super().__init__()
        self.readout, self.directions, self.cell = readout, 1 + bidirectional, cell
        module = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        options = {"nonlinearity": nonlinearity} if nonlinearity else {}
        setattr(
            self, cell, module(FEATURES, hidden, layers, batch_first=True, bidirectional=bidirectional, **options)
        )
        width = hidden * self.directions
        if readout == "attention":
            self.attention = nn.Linear(width, width)
            self.attention.context = nn.Parameter(torch.empty(width))
        self.fc = nn.Linear(width, CLASSES)

    def forward(self, x):
        out, state = getattr(self, self.cell)(x)
        state = state[0] if self.cell == "lstm" else state
        if self.readout == "last":
            out = out[:, -1]
        elif self.readout == "final":
            out = torch.cat(list(state[-self.directions :]), 1)
        elif self.readout == "mean":
            out = out.mean(1)
        elif self.readout == "max":
            out = out.amax(1)
        elif self.readout == "attention":
            shares = (torch.tanh(self.attention(out)) @ self.attention.context).softmax(1)
            out = (shares.unsqueeze(2) * out).sum(1)
        return self.fc(out)


def images(name):
    return load_file(FOLDER / "images.safetensors")[name]


def in_batches(run, pixels, size=500):
    return torch.cat([run(pixels[start : start + size]) for start in range(0, len(pixels), size)])


def compare():
    pixels = images("test").float() / 255
    for net in json.loads((FOLDER / "nets.json").read_text()):
        path = FOLDER / net["file"]
        model = Net(**net["net"])
        state = torch.load(path.with_suffix(".ckpt"), weights_only=True)
        model.load_state_dict(state, strict=True)
        same = load_file(path.with_suffix(".safetensors"))
        assert state.keys() == same.keys() and all(torch.equal(state[name], same[name]) for name in state)
        session = onnxruntime.InferenceSession(path.with_suffix(".onnx"))
        with torch.no_grad():
            by_torch = in_batches(model, pixels)
        by_onnx = in_batches(lambda x: torch.from_numpy(session.run(None, {"images": x.numpy()})[0]), pixels)
        birnn = load_file(path.with_suffix(".logits"))["logits"]
        assert birnn.shape == by_torch.shape == by_onnx.shape, (birnn.shape, by_torch.shape, by_onnx.shape)
        with torch.no_grad():
            exact = in_batches(model.double(), pixels.double())
        pairs = {
            "torch": (birnn, by_torch),
            "onnx": (birnn, by_onnx),
            "birnn_exact": (birnn, exact),
            "torch_exact": (by_torch, exact),
            "onnx_exact": (by_onnx, exact),
            "largest": (exact, torch.zeros(())),
        }
        print(json.dumps({key: (a - b).abs().max().item() for key, (a, b) in pairs.items()}), flush=True)


def tutorial():
    torch.manual_seed(0)
    model = Net("lstm", 2, 128, True, "last")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    pixels, labels = images("train"), images("train_labels").long()
    for _ in range(2):
        for batch in torch.randperm(len(pixels)).split(100):
            loss = nn.functional.cross_entropy(model(pixels[batch].float() / 255), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        named = in_batches(model, images("test").float() / 255).argmax(1)
    torch.save(model.state_dict(), FOLDER / "tutorial.ckpt")
    correct = (named == images("test_labels").long()).sum().item()
    print(json.dumps({"images": len(named), "correct": correct}), flush=True)


def readme():
    names = runpy.run_path(str(FOLDER / "readme.py"))
    print(json.dumps({"differences": [float(value) for value in names["differences"]]}), flush=True)


{"tutorial": tutorial, "readme": readme}.get(sys.argv[2] if len(sys.argv) > 2 else "", compare)()
