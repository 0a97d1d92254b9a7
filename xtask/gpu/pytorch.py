"""The PyTorch side of the kit: the tutorial's recipe, and birnn's weights read and used by PyTorch.

    python pytorch.py versions
    python pytorch.py train REQUEST     trains by configs/bilstm.toml's recipe
    python pytorch.py weights REQUEST   reads what birnn exported, and names the test images by it

REQUEST and the answer, the last line of stdout, are JSON.
"""

import gzip
import json
import struct
import sys
import time

import torch
from torch import nn

BATCH, RATE, CLASSES, HIDDEN, LAYERS = 100, 0.003, 10, 128, 2
WARM_UP = 3


class Net(nn.Module):
    """The tutorial's class."""

    def __init__(self, features):
        super().__init__()
        self.lstm = nn.LSTM(features, HIDDEN, LAYERS, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * HIDDEN, CLASSES)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])


def idx(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        data = file.read()
    shape = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    return torch.frombuffer(bytearray(data[4 + 4 * data[3] :]), dtype=torch.uint8).view(shape)


def images(request, split, limit=None):
    """Bytes and labels on the device, where they stay."""
    files = request["data"][split]
    pixels, labels = (idx(path)[:limit].to(request["device"]) for path in files)
    return pixels, labels.long()


def wait(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def tf32():
    if not torch.cuda.is_available():
        return "no GPU"
    return f"cuDNN {torch.backends.cudnn.allow_tf32}, cuBLAS {torch.backends.cuda.matmul.allow_tf32}"


def versions(_):
    gpu = torch.cuda.is_available()
    try:
        import onnxruntime
    except ImportError:
        onnxruntime = None
    return {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "gpus": [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())] if gpu else [],
        "threads": torch.get_num_threads(),
        "tf32": tf32(),
        "onnxruntime": onnxruntime and onnxruntime.__version__,
    }


def adam(model, on_gpu, graph):
    options = {"capturable": True} if on_gpu and graph else {}
    return torch.optim.Adam(model.parameters(), lr=RATE, fused=True, **options)


def captured(step, model, optimizer, on_gpu):
    """The whole step as a CUDA graph: forward, backward and Adam. The net is then what it was before.

    A CPU captures nothing: there the step itself comes back, and all else happens as on a GPU.
    """
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    replay = step
    if on_gpu:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # So that the gradients are made within the graph's own memory.
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            step()
        replay = graph.replay
    else:
        for _ in range(WARM_UP):
            step()
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), weights):
            parameter.copy_(weight)
        for state in optimizer.state.values():
            for moment in state.values():
                moment.zero_()
    return replay


def train(request):
    """One training: seconds of each epoch, and how many test images are classified correctly."""
    device, graph = request["device"], request["graph"]
    on_gpu = device.startswith("cuda")
    if on_gpu:
        # It takes no "cuda" without a number.
        torch.cuda.set_device(torch.device(device).index or 0)
    torch.manual_seed(request["seed"])
    pixels, labels = images(request, "train", request["limit"])
    model = Net(pixels.shape[2]).to(device)
    optimizer = adam(model, on_gpu, graph)
    chosen = torch.zeros(BATCH, dtype=torch.long, device=device)
    total = torch.zeros((), device=device)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(pixels[chosen].float() / 255), labels[chosen])
        loss.backward()
        optimizer.step()
        total.add_(loss.detach())

    assert len(pixels) % BATCH == 0, f"{len(pixels)} images are no whole batches of {BATCH}"
    run = captured(step, model, optimizer, on_gpu) if graph else step
    seconds = []
    for _ in range(request["epochs"]):
        total.zero_()
        wait(device)
        start = time.perf_counter()
        for batch in torch.randperm(len(pixels)).to(device).split(BATCH):
            chosen.copy_(batch)
            run()
        loss = total.item() * BATCH / len(pixels)
        seconds.append(time.perf_counter() - start)
    named, labels = probabilities(model, request)
    right = (named.argmax(1) == labels).sum().item()
    return {"images": len(labels), "correct": right, "seconds": seconds, "loss": loss, "tf32": tf32()}


@torch.no_grad()
def probabilities(model, request):
    pixels, labels = images(request, "test")
    parts = [model(part.float() / 255).softmax(1) for part in pixels.split(1000)]
    return torch.cat(parts), labels


def safetensors(path):
    """Read by hand: this Python need not have the package."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), bytearray(file.read())
    found = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            assert tensor["dtype"] == "F32", tensor
            start, end = tensor["data_offsets"]
            found[name] = torch.frombuffer(data[start:end], dtype=torch.float32).view(tensor["shape"])
    return found


def weights(request):
    """What PyTorch, and onnxruntime where it is there, make of birnn's weights."""
    state = torch.load(request["ckpt"], weights_only=True)
    same = safetensors(request["safetensors"])
    model = Net(state["lstm.weight_ih_l0"].shape[1])
    model.load_state_dict(state, strict=True)
    model = model.to(request["device"]).eval()
    found, labels = probabilities(model, request)
    surest, named = found.max(1)
    wrong = (named != labels).nonzero().flatten().tolist()
    answer = {
        "same": state.keys() == same.keys() and all(torch.equal(state[name], same[name]) for name in state),
        "correct": len(labels) - len(wrong),
        "mistakes": {n: [named[n].item(), surest[n].item()] for n in wrong},
        "first": found[: request["first"]].tolist(),
        "onnx": None,
    }
    try:
        import onnxruntime
    except ImportError:
        return answer
    session = onnxruntime.InferenceSession(request["onnx"], providers=["CPUExecutionProvider"])
    pixels = images({**request, "device": "cpu"}, "test")[0][: request["first"]].float() / 255
    logits = torch.from_numpy(session.run(None, {"images": pixels.numpy()})[0])
    with torch.no_grad():
        own = model(pixels.to(request["device"])).cpu()
    answer["onnx"] = (logits - own).abs().max().item()
    return answer


if __name__ == "__main__":
    command, request = sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else None
    print(json.dumps({"versions": versions, "train": train, "weights": weights}[command](request)))
