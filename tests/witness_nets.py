"""birnn's nets, as one writes them who has PyTorch alone: what witness.py holds birnn and onnxruntime against."""

from itertools import zip_longest

import torch
from torch import nn

FEATURES, CLASSES = 28, 10


MODULES = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Net(nn.Module):
    """The tutorial's class, with every cell and readout that birnn has."""

    def __init__(self, cell, layers, hidden, bidirectional, readout, nonlinearity=None):
        super().__init__()
        self.readout, self.directions, self.cell = readout, 1 + bidirectional, cell
        module = MODULES[cell]
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
            weights = (torch.tanh(self.attention(out)) @ self.attention.context).softmax(1)
            out = (weights.unsqueeze(2) * out).sum(1)
        return self.fc(out)


class Padded(nn.Module):
    """A net of padded series, as one writes it who has PyTorch alone: packed, and where directions differ in
    size, or there is the reverse one alone, a module for each, the reverse one of series turned round."""

    def __init__(self, cell, nonlinearity, layers, forward, reverse, readout, features, outputs):
        super().__init__()
        self.readout, self.cell = readout, cell
        options = {"batch_first": True, **({"nonlinearity": nonlinearity} if nonlinearity else {})}
        width = (forward or 0) + (reverse or 0)
        if reverse in (None, forward):
            two = reverse is not None
            self.both = MODULES[cell](features, forward, layers, bidirectional=two, **options)
        else:
            inputs = [features, *[width] * (layers - 1)]
            self.ahead, self.back = [
                nn.ModuleList([MODULES[cell](size, hidden, **options) for size in inputs if hidden])
                for hidden in (forward, reverse)
            ]
        if readout == "attention":
            self.attention = nn.Linear(width, width)
            self.attention.context = nn.Parameter(torch.empty(width))
        self.fc = nn.Linear(width, outputs)

    def named(self):
        """Its parameters by birnn's names."""
        for name, parameter in self.named_parameters():
            module, rest = name.split(".", 1)
            if module == "both":
                name = f"{self.cell}.{rest}"
            elif module in ("ahead", "back"):
                layer, rest = rest.split(".")
                name = f"{self.cell}.{rest[:-1]}{layer}" + ("_reverse" if module == "back" else "")
            yield name, parameter

    def states(self, x, lengths):
        """What the head sees, and the outputs of the top layer, padded."""
        if hasattr(self, "both"):
            out, ends = self.run(self.both, x, lengths)
            ends = ends[-2:] if self.both.bidirectional else ends[-1:]
        else:
            for ahead, back in zip_longest(self.ahead, self.back):
                turned, start = self.run(back, self.turned(x, lengths), lengths)
                outs, ends = [self.turned(turned, lengths)], [start[0]]
                if ahead is not None:
                    out, end = self.run(ahead, x, lengths)
                    outs, ends = [out, *outs], [end[0], *ends]
                x = out = torch.cat(outs, 2)
        own, steps = torch.arange(x.shape[1]) < lengths[:, None], out
        if self.readout == "last":
            out = out[torch.arange(len(x)), lengths - 1]
        elif self.readout == "final":
            out = torch.cat(list(ends), 1)
        elif self.readout == "mean":
            out = out.sum(1) / lengths[:, None]
        elif self.readout == "max":
            out = out.masked_fill(~own[:, :, None], -torch.inf).amax(1)
        elif self.readout == "attention":
            scores = torch.tanh(self.attention(out)) @ self.attention.context
            out = (scores.masked_fill(~own, -torch.inf).softmax(1).unsqueeze(2) * out).sum(1)
        return out, steps

    def forward(self, x, lengths):
        return self.fc(self.states(x, lengths)[0])

    def run(self, module, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, state = module(packed)
        out, _ = nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])
        return out, state[0] if self.cell == "lstm" else state

    @staticmethod
    def turned(x, lengths):
        return torch.stack([torch.cat([series[:end].flip(0), series[end:]]) for series, end in zip(x, lengths)])


class Words(nn.Module):
    """A net of words: their vectors, what a layer of both directions makes of their characters, and the net above."""

    def __init__(self, rows, embedding, cell, nonlinearity, **net):
        super().__init__()
        words, characters = rows
        self.embedding = nn.Embedding(words, embedding["width"])
        features, self.reads_characters = embedding["width"], "characters" in embedding
        if self.reads_characters:
            width, hidden = embedding["characters"]["width"], embedding["characters"]["hidden"]
            options = {"nonlinearity": nonlinearity} if nonlinearity else {}
            self.char_embedding = nn.Embedding(characters, width)
            self.char_net = MODULES[cell](width, hidden, batch_first=True, bidirectional=True, **options)
            features += 2 * hidden
        self.net = Padded(cell, nonlinearity, features=features, **net)

    def named(self):
        """Its parameters by birnn's names."""
        yield from self.net.named()
        for name, parameter in self.named_parameters():
            if not name.startswith("net."):
                yield name.replace("char_net", f"char_{self.net.cell}"), parameter

    def forward(self, sentence):
        """The logits of a sentence, pairs of a word's row and its characters': each is read by itself, unpadded."""
        x = self.embedding(torch.tensor([word for word, _ in sentence]))
        if self.reads_characters:
            spelt = [self.char_net(self.char_embedding(torch.tensor([letters])))[1] for _, letters in sentence]
            states = [state[0] if self.net.cell == "lstm" else state for state in spelt]
            x = torch.cat([x, torch.stack([state.flatten() for state in states])], 1)
        return self.net(x[None], torch.tensor([len(sentence)]))[0]
