"""What PyTorch and onnxruntime make of birnn's files, and what birnn is to make of PyTorch's.

    python witness.py FOLDER        holds the logits of the nets in FOLDER/nets.json against birnn's
    python witness.py FOLDER ragged     holds the nets of series in FOLDER/ragged.json against birnn's
    python witness.py FOLDER words      holds the nets of words in FOLDER/words.json against birnn's
    python witness.py FOLDER tags       runs the Python of docs/guide/text.md, FOLDER/guide.py, beside pytorch-crf
    python witness.py FOLDER tutorial   trains by the tutorial's recipe, saves FOLDER/tutorial.ckpt
    python witness.py FOLDER guide      runs the Python of docs/guide/pytorch.md, FOLDER/guide.py
    python witness.py FOLDER states     holds the states that encode wrote against PyTorch's
    python witness.py FOLDER precisions how far gradients are from those of f64, birnn's in FOLDER/precision.json and PyTorch's
    python witness.py FOLDER nearest    runs the Python of docs/guide/states.md, FOLDER/guide.py
    python witness.py FOLDER records    reads what a run writes down: TensorBoard's events, metrics.jsonl

Each answers with lines of JSON. Images are bytes [images, 28, 28] in FOLDER/images.safetensors.
"""

import json
import pathlib
import runpy
import sys
import time

import numpy
import onnxruntime
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torchcrf import CRF

from witness_nets import Net, Padded, Words

FOLDER = pathlib.Path(sys.argv[1])


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


def ragged():
    about = json.loads((FOLDER / "ragged.json").read_text())
    shared = load_file(FOLDER / "ragged.safetensors")
    mean, deviation = shared["mean"], shared["deviation"]
    batches = []
    for index, lengths in enumerate(about["batches"]):
        series = shared[f"series/{index}"].split(lengths)
        by_padding = {}
        for padding in (torch.nan, 1e9, torch.inf):
            by_padding[padding] = x = torch.full((len(lengths), about["time"], len(mean)), padding)
            for own, row in zip(series, x):
                row[: len(own)] = own
        batches.append((series, torch.tensor(lengths), by_padding))

    for index, net in enumerate(about["nets"]):
        ours = load_file(FOLDER / f"ragged-{index}.safetensors")
        # onnxruntime's threads are no quicker with a net so small.
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        padded, one = [
            onnxruntime.InferenceSession(FOLDER / f"ragged-{index}-{kind}.onnx", options) for kind in ("padded", "one")
        ]
        assert padded.get_modelmeta().custom_metadata_map["lengths"].startswith("input `lengths`, int32")
        assert one.get_modelmeta().custom_metadata_map["lengths"].startswith("one series at a time")
        model = Padded(**net, features=len(mean), outputs=ours["weights/fc.bias"].numel())
        parameters = dict(model.named())
        assert {f"weights/{name}" for name in parameters} == {name for name in ours if name.startswith("weights/")}
        with torch.no_grad():
            for name, parameter in parameters.items():
                assert parameter.shape == ours[f"weights/{name}"].shape, name
                parameter.copy_(ours[f"weights/{name}"])

        kinds = ["torch", "states", "onnx", "one", "gradients"]
        most = dict.fromkeys([*kinds, "largest", "largest_state", "largest_gradient"], 0.0)

        def differ(key, found, expected, largest="largest"):
            assert found.shape == expected.shape, (key, found.shape, expected.shape)
            difference = (found - expected).abs().max().item()
            assert difference == difference, f"{net}: {key} is NaN"
            most[key] = max(most[key], difference)
            most[largest] = max(most[largest], expected.abs().max().item())

        for batch, (series, lengths, by_padding) in enumerate(batches):
            expected = ours[f"logits/{batch}"]
            own = torch.arange(about["time"]) < lengths[:, None]
            of_steps = (lambda logits: logits[own]) if net["readout"] == "sequence" else (lambda logits: logits)
            feeds = [{"series": x.numpy(), "lengths": lengths.int().numpy()} for x in by_padding.values()]
            found = [torch.from_numpy(padded.run(["logits"], feed)[0]) for feed in feeds]
            assert all(torch.equal(found[0], other) for other in found), f"{net}: padding changes logits"
            assert net["readout"] != "sequence" or (found[0][~own] == model.fc.bias).all(), net
            differ("onnx", of_steps(found[0]), expected)
            alone = [torch.from_numpy(one.run(["logits"], {"series": own[None].numpy()})[0]) for own in series]
            differ("one", torch.cat([logits.flatten(0, -2) for logits in alone]), expected)

            x = (by_padding[1e9] - mean) / deviation
            logits = of_steps(model(x, lengths))
            differ("torch", logits, expected)
            with torch.no_grad():
                seen, steps = model.states(x, lengths)
            differ("states", of_steps(seen), ours[f"states/{batch}"], "largest_state")
            differ("states", steps[own], ours[f"steps/{batch}"], "largest_state")
            gradients = torch.autograd.grad(logits.square().sum(), list(parameters.values()))
            for name, gradient in zip(parameters, gradients):
                differ("gradients", gradient, ours[f"gradients/{batch}/{name}"], "largest_gradient")
        print(json.dumps(most), flush=True)


def words():
    """Nets of words, each sentence by itself in PyTorch, and padded with what no table has a row for in onnxruntime."""
    about = json.loads((FOLDER / "words.json").read_text())
    for index, net in enumerate(about["nets"]):
        ours = load_file(FOLDER / f"words-{index}.safetensors")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(FOLDER / f"words-{index}.onnx", options)
        named = {value.name for value in session.get_inputs()}
        model = Words(about["rows"], **net, outputs=ours["weights/fc.bias"].numel())
        parameters = dict(model.named())
        crf = None
        if any(name.startswith("weights/crf.") for name in ours):
            crf = CRF(model.net.fc.out_features, batch_first=True)
            parameters |= {f"crf.{name}": parameter for name, parameter in crf.named_parameters()}
        assert {f"weights/{name}" for name in parameters} == {name for name in ours if name.startswith("weights/")}
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(ours[f"weights/{name}"])
        most = dict.fromkeys(["torch", "onnx", "largest", "loss", "gradients", "largest_gradient"], 0.0)

        def differ(key, found, expected):
            assert found.shape == expected.shape, (key, found.shape, expected.shape)
            difference = (found - expected).abs().max().item()
            assert difference == difference, f"{net}: {key} is NaN"
            most[key] = max(most[key], difference)

        for batch, sentences in enumerate(about["batches"]):
            expected = ours[f"logits/{batch}"]
            if crf is not None:
                padded = [nn.utils.rnn.pad_sequence([model(sentence) for sentence in sentences], batch_first=True)]
                tags = ours[f"crf/{batch}/tags"].long().split([len(sentence) for sentence in sentences])
                padded += [nn.utils.rnn.pad_sequence(of, batch_first=True) for of in (tags, [torch.ones_like(own).bool() for own in tags])]
                loss = -crf(*padded, reduction="token_mean")
                gradients = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
                differ("loss", ours[f"crf/{batch}/loss"], loss)
                for name, gradient in zip(parameters, gradients):
                    differ("gradients", ours[f"crf/{batch}/gradients/{name}"], gradient)
                    differ("largest_gradient", torch.zeros_like(gradient), gradient)
            with torch.no_grad():
                by_torch = torch.cat([model(sentence).reshape(-1, expected.shape[1]) for sentence in sentences])
            found = []
            for padding in (-1, 1_000_000):
                feed = {name: array for name, array in padded_tokens(sentences, padding).items() if name in named}
                logits = torch.from_numpy(session.run(["logits"], feed)[0])
                if net["readout"] == "sequence":
                    logits = torch.cat([of[: len(sentence)] for of, sentence in zip(logits, sentences)])
                found.append(logits)
            assert torch.equal(*found), f"{net}: padding changes logits"
            assert expected.shape == by_torch.shape == found[0].shape, (expected.shape, by_torch.shape)
            for key, other in {"torch": by_torch, "onnx": found[0], "largest": torch.zeros_like(expected)}.items():
                differ(key, expected, other)
        print(json.dumps(most), flush=True)


def padded_tokens(sentences, padding):
    """What a graph of words is given, a step and a character longer than it must be."""
    time = 1 + max(len(sentence) for sentence in sentences)
    letters = 1 + max(len(spelt) for sentence in sentences for _, spelt in sentence)
    feed = {
        "words": numpy.full((len(sentences), time), padding),
        "lengths": numpy.array([len(sentence) for sentence in sentences], numpy.int32),
        "characters": numpy.full((len(sentences), time, letters), padding),
        "character_lengths": numpy.full((len(sentences), time), padding, numpy.int32),
    }
    for row, sentence in enumerate(sentences):
        for step, (word, spelt) in enumerate(sentence):
            feed["words"][row, step] = word
            feed["characters"][row, step, : len(spelt)] = spelt
            feed["character_lengths"][row, step] = len(spelt)
    return feed


def tags():
    """The tags of the guide's sentences: by its own Viterbi, and by pytorch-crf's with the transitions of the file."""
    names = runpy.run_path(str(FOLDER / "guide.py"))
    crf = CRF(len(names["tags"]), batch_first=True)
    with torch.no_grad():
        for name, scores in names["crf"].items():
            getattr(crf, name).copy_(torch.from_numpy(scores))
    lengths = torch.tensor(names["lengths"])
    emissions = torch.from_numpy(names["emissions"])
    best = crf.decode(emissions, torch.arange(emissions.shape[1]) < lengths[:, None])
    assert [[names["tags"][tag] for tag in sentence] for sentence in best] == names["found"]
    print(json.dumps({"sentences": names["sentences"], "tags": names["found"]}), flush=True)


def tutorial():
    torch.manual_seed(0)
    model = Net("lstm", 2, 128, True, "last")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    pixels, labels = images("train"), images("train_labels").long()
    start = time.perf_counter()
    for _ in range(2):
        for batch in torch.randperm(len(pixels)).split(100):
            loss = nn.functional.cross_entropy(model(pixels[batch].float() / 255), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - start
    with torch.no_grad():
        named = in_batches(model, images("test").float() / 255).argmax(1)
    torch.save(model.state_dict(), FOLDER / "tutorial.ckpt")
    correct = (named == images("test_labels").long()).sum().item()
    print(json.dumps({"images": len(named), "correct": correct, "seconds": seconds}), flush=True)


def guide():
    names = runpy.run_path(str(FOLDER / "guide.py"))
    print(json.dumps({"differences": [float(value) for value in names["differences"]]}), flush=True)


def states():
    """What `birnn encode` made of some.ts is what PyTorch's layers give, and the same in each kind of file."""
    run = FOLDER / "runs/states/001"
    series = json.loads((run / "model.ckpt.json").read_text())["series"]
    mean, deviation = (torch.tensor(series[key]) for key in ["mean", "deviation"])
    lines = (FOLDER / "some.ts").read_text().splitlines()
    values = [torch.tensor([[float(x) for x in part.split(",")] for part in line.split(":")]).T for line in lines]
    lengths = torch.tensor([len(own) for own in values])
    x = nn.utils.rnn.pad_sequence([(own - mean) / deviation for own in values], batch_first=True)
    weights = torch.load(run / "model.ckpt", weights_only=True)
    net = json.loads((FOLDER / "states.json").read_text())
    model = Padded(**net, features=len(mean), outputs=weights["fc.bias"].numel())
    with torch.no_grad():
        for name, parameter in model.named():
            parameter.copy_(weights[name])
        seen, steps = model.states(x, lengths)
    steps = steps[torch.arange(x.shape[1]) < lengths[:, None]]
    ours, per_step = numpy.load(FOLDER / "states.npz"), numpy.load(FOLDER / "steps.npz")
    ids = [f"some.ts:{line}" for line in range(1, len(lines) + 1)]
    assert list(ours["ids"]) == list(per_step["ids"]) == ids and "lengths" not in ours
    assert list(per_step["lengths"]) == lengths.tolist()
    same = load_file(FOLDER / "steps.safetensors")
    assert all((same[name].numpy() == per_step[name]).all() for name in ["states", "lengths"])
    with safe_open(FOLDER / "steps.safetensors", "pt") as file:
        assert json.loads(file.metadata()["ids"]) == ids
    pairs = {"states": (ours["states"], seen), "per_step": (per_step["states"], steps)}
    assert all(a.shape == b.shape for a, b in pairs.values())
    differences = {key: abs(a - b.numpy()).max().item() for key, (a, b) in pairs.items()}
    print(json.dumps({"series": len(lines), "steps": len(steps), **differences}), flush=True)


def precisions():
    """The norm of what gradients are off by from those of f64, as a share of the norm of those."""
    about = json.loads((FOLDER / "precision.json").read_text())
    for index, net in enumerate(about["nets"]):
        ours = load_file(FOLDER / f"precision-{index}.safetensors")
        layers = getattr(nn, net["cell"])(
            about["features"], net["hidden"], net["layers"], batch_first=True, bidirectional=net["bidirectional"]
        )
        parameters = [parameter for one in layers.all_weights for parameter in one]
        with torch.no_grad():
            for at, parameter in enumerate(parameters):
                parameter.copy_(ours[f"weights/{at}"].view_as(parameter))

        def gradients(kind=torch.float):
            output, _ = layers(ours["input"].to(kind))
            sums = (output.to(ours["d_output"].to(kind).dtype) * ours["d_output"].to(kind)).sum()
            found = torch.autograd.grad(sums, [parameter for one in layers.all_weights for parameter in one])
            return torch.cat([gradient.flatten().double() for gradient in found])

        found = {
            f"birnn, {name}": torch.cat([ours[f"birnn, {name}/{at}"].double() for at in range(len(parameters))])
            for name in ["highest", "high", "medium"]
        }
        found["PyTorch, f32"] = gradients()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found["PyTorch under autocast, bf16"] = gradients()
        before = torch.backends.mkldnn.rnn.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision
        torch.backends.mkldnn.rnn.fp32_precision = torch.backends.mkldnn.matmul.fp32_precision = "bf16"
        found["PyTorch, fp32_precision of bf16"] = gradients()
        torch.backends.mkldnn.rnn.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision = before
        layers.double()
        exact = gradients(torch.double)
        print(json.dumps({name: ((own - exact).norm() / exact.norm()).item() for name, own in found.items()}), flush=True)


def nearest():
    names = runpy.run_path(str(FOLDER / "guide.py"))
    print(json.dumps({"accuracy": float(names["accuracy"])}), flush=True)


def records():
    """TensorBoard's own reader finds in the events what pandas finds in the metrics and PyTorch in the weights."""
    import pandas
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    run = FOLDER / "runs/bilstm/001"
    metrics = pandas.read_json(run / "metrics.jsonl", lines=True)
    timing = pandas.read_json(run / "timing.jsonl", lines=True)
    by_event = {name: metrics[metrics.event == name] for name in ["step", "epoch", "test"]}
    kinds = ["scalars", "images", "histograms", "tensors"]
    board = EventAccumulator(str(run), size_guidance={kind: 0 for kind in kinds})
    board.Reload()
    tags = board.Tags()

    epochs, steps, test = by_event["epoch"], by_event["step"], by_event["test"]
    validation = list(epochs.validation)
    last = int(epochs.step.iloc[-1])
    expected = {
        "loss/step": (steps.step, steps.loss),
        "learning_rate": (steps.step, steps.rate),
        "loss/train": (epochs.step, epochs.train_loss),
        "loss/validation": (epochs.step, [found["loss"] for found in validation]),
        "accuracy/validation": (epochs.step, [found["accuracy"] for found in validation]),
        "images_per_second": (epochs.step, timing.images_per_second),
        "loss/test": ([last], test.loss),
        "accuracy/test": ([last], test.accuracy),
    }
    assert set(tags["scalars"]) == set(expected), tags["scalars"]
    for tag, (places, values) in expected.items():
        found = board.Scalars(tag)
        assert [event.step for event in found] == list(places), tag
        assert all(abs(event.value - value) <= 1e-6 * abs(value) for event, value in zip(found, values)), tag

    weights = torch.load(run / "model.ckpt", weights_only=True)
    state = load_file(run / "checkpoints/last.safetensors")
    names = {f"{kind}/{name}" for kind in ["weights", "gradients"] for name in weights}
    assert set(tags["histograms"]) == names, tags["histograms"]
    for name in weights:
        events = board.Histograms(f"weights/{name}")
        assert [event.step for event in events] == [0, *epochs.step], name
        found, tensor = events[-1].histogram_value, state[name].double()
        assert found.num == sum(found.bucket) == tensor.numel(), name
        assert (found.min, found.max) == (tensor.min().item(), tensor.max().item()), name
        assert abs(found.sum - tensor.sum().item()) < 1e-9 * tensor.numel(), name
        edges = torch.tensor([found.min - 1, *found.bucket_limit], dtype=torch.double)
        counts = torch.histogram(tensor.flatten(), edges)[0]
        # A value on an edge may count on either side.
        assert (counts - torch.tensor(found.bucket)).abs().max() <= 2, name
        events = board.Histograms(f"gradients/{name}")
        assert [event.step for event in events] == list(epochs.step), name

    pictures = {f"{kind}/{split}" for kind in ["confusion", "misread"] for split in ["validation", "test"]}
    assert set(tags["images"]) == pictures, tags["images"]
    for tag in pictures:
        for image in board.Images(tag):
            png = image.encoded_image_string
            assert png[:8] == b"\x89PNG\r\n\x1a\n", tag
            size = [int.from_bytes(png[start : start + 4], "big") for start in (16, 20)]
            assert size == [image.width, image.height], tag

    settings = {}
    for content in board.PluginTagToContent("hparams").values():
        found = plugin_data_pb2.HParamsPluginData.FromString(content)
        settings.update(found.session_start_info.hparams)
    assert settings["model.cell"].string_value == "lstm" and settings["train.epochs"].number_value == len(epochs)
    assert set(board.PluginTagToContent("text")) == {"experiment", "misread_list/validation", "misread_list/test"}
    counts = {kind: len(tags[kind]) for kind in kinds[:3]}
    print(json.dumps({**counts, "settings": len(settings), "metrics": len(metrics)}), flush=True)


PARTS = [ragged, words, tags, tutorial, guide, states, precisions, nearest, records]
{part.__name__: part for part in PARTS}.get(sys.argv[2] if len(sys.argv) > 2 else "", compare)()
