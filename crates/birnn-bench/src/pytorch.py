"""Training steps by PyTorch, turn by turn: a request per line on stdin, an answer per line on stdout, both JSON.

Between two turns it waits for its input, and takes no time from the others.
"""
import json
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence
except ImportError as reason:
    torch, no_torch = None, str(reason)

DIGITS = sys.argv[1] if len(sys.argv) > 1 else None
CLASSES = 10
RATE = 0.003


def versions(_):
    if torch is None:
        raise RuntimeError(f"it has no torch: {no_torch}")
    try:
        import torchvision
    except ImportError:
        torchvision = None
    return {
        "torch": torch.__version__,
        "torchvision": torchvision and torchvision.__version__,
        "threads": torch.get_num_threads(),
    }


class Net(nn.Module if torch else object):
    def __init__(self, point):
        super().__init__()
        cell = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[point["cell"]]
        self.rnn = cell(
            point["features"],
            point["hidden"],
            point["layers"],
            batch_first=True,
            bidirectional=point["bidirectional"],
        )
        self.directions = 2 if point["bidirectional"] else 1
        self.by_states = point["readout"] == "final"
        self.fc = nn.Linear(self.directions * point["hidden"], CLASSES)

    def forward(self, x):
        out, states = self.rnn(x)
        if not self.by_states:
            return self.fc(out[:, -1])
        h = states[0] if isinstance(states, tuple) else states
        return self.fc(torch.cat(tuple(h[-self.directions :]), 1))


def noise(count, point):
    pixels = torch.randint(0, 256, (count, point["time"], point["features"]), dtype=torch.uint8)
    return pixels, torch.arange(count) % CLASSES


def training(net, point, logits, labels):
    """A tuned step: the batch is in memory, Adam is fused where it can be."""
    rate = 0.0 if point["frozen"] else RATE
    try:
        optimizer = torch.optim.Adam(net.parameters(), lr=rate, fused=True)
    except RuntimeError:
        optimizer = torch.optim.Adam(net.parameters(), lr=rate)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits(), labels).backward()
        optimizer.step()

    return step


def pytorch(point):
    net = Net(point)
    pixels, labels = noise(point["batch"], point)
    images = pixels.float() / 255
    return training(net, point, lambda: net(images), labels)


def autocast(point):
    """As pytorch, with products of bf16 where PyTorch thinks that enough."""
    net = Net(point)
    pixels, labels = noise(point["batch"], point)
    images = pixels.float() / 255

    def logits():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return net(images).float()

    return training(net, point, logits, labels)


def bf16(point):
    """As pytorch, where oneDNN may multiply f32 as bf16."""
    inner, settings = pytorch(point), torch.backends.mkldnn

    def step():
        before = settings.rnn.fp32_precision, settings.matmul.fp32_precision
        settings.rnn.fp32_precision = settings.matmul.fp32_precision = "bf16"
        inner()
        settings.rnn.fp32_precision, settings.matmul.fp32_precision = before

    return step


def unequal(point, packs):
    """Sequences padded to the longest, with zeros, and read by the final states of both directions."""
    net = Net(point)
    pixels, labels = noise(point["batch"], point)
    lengths = torch.tensor(point["lengths"])
    real = torch.arange(point["time"]) < lengths.unsqueeze(1)
    sequences = pixels.float() / 255 * real.unsqueeze(2)

    def logits():
        batch = sequences
        if packs:
            batch = pack_padded_sequence(sequences, lengths, batch_first=True, enforce_sorted=False)
        return net(batch)

    return training(net, point, logits, labels)


def packed(point):
    return unequal(point, True)


def padded(point):
    """As packed, but that the padding is read too: its states are not those that are wanted, and take as long."""
    return unequal(point, False)


class TutorialNet(nn.Module if torch else object):
    def __init__(self, point):
        super().__init__()
        self.hidden, self.layers = point["hidden"], point["layers"]
        self.lstm = nn.LSTM(
            point["features"], self.hidden, self.layers, batch_first=True, bidirectional=True
        )
        self.fc = nn.Linear(2 * self.hidden, CLASSES)

    def forward(self, x):
        h0 = torch.zeros(2 * self.layers, x.size(0), self.hidden)
        c0 = torch.zeros(2 * self.layers, x.size(0), self.hidden)
        out, _ = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


def tutorial(point):
    """The step as the tutorial's reader takes it: digits come from torchvision, one by one."""
    from torchvision import datasets, transforms

    digits = datasets.MNIST(root=DIGITS, train=True, transform=transforms.ToTensor())
    loader = torch.utils.data.DataLoader(digits, batch_size=point["batch"], shuffle=True)
    model = TutorialNet(point)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)

    def endless():
        while True:
            yield from loader

    batches = endless()

    def step():
        images, labels = next(batches)
        images = images.reshape(-1, point["time"], point["features"])
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def evaluation(point):
    """All test images once, in batches; the time of one such pass counts."""
    net = Net(point).eval()
    pixels, labels = noise(point["images"], point)

    @torch.no_grad()
    def step():
        right = 0
        for images, named in zip(pixels.split(point["batch"]), labels.split(point["batch"])):
            right += (net(images.float() / 255).argmax(1) == named).sum().item()
        return right

    return step


prepared = {}


def prepare(request):
    prepared.clear()
    for task in request["tasks"]:
        prepared[task] = globals()[task](request["point"])
    return {}


def turn(request):
    step = prepared[request["task"]]
    begin = time.perf_counter()
    step()
    times = []
    while not times or time.perf_counter() - begin < request["seconds"]:
        start = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - start))
    return {"ms": times}


def memory(request):
    """KiB at their most, after so many steps; of this process alone, which getrusage would not say: there a child starts
    with its parent's."""
    for _ in range(request["steps"]):
        prepared[request["task"]]()
    with open("/proc/self/status") as status:
        return {"kib": next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))}


COMMANDS = {"versions": versions, "prepare": prepare, "turn": turn, "memory": memory}

# Not when it is imported: to a library that looks for a module of this file's name, it is one.
if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # Nothing that a library prints may come between the answers.
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = COMMANDS[request["cmd"]](request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
