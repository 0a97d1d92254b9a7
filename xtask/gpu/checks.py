"""The checks, each a function that adds its rows."""

import hashlib
import json
import re
import statistics
import struct
import subprocess
import time
import zlib
from pathlib import Path

from place import SERIES, Failed, Missing
from table import FAILED, OK, SKIPPED

# The least that the recipe reaches, in percent, and how far birnn's mean may be from PyTorch's. Shortened it
# learns little; then the question is only whether it learns at all.
FLOORS = {"mnist": 96.0, "synthetic digits": 90.0}
QUICK_FLOOR, APART = 20.0, 1.5
# Of series, which are trained in full in any case: it takes seconds. And how far the GPU may be from the CPU.
SERIES_FLOOR, SERIES_APART = 95.0, 3.0
CLOSE = 1e-5
# How far losses of the first steps may be apart, on the GPU and on the CPU: Adam makes large steps of gradients
# that are hardly more than rounding. An H100 was 8e-5 off.
LOSSES_APART = 5e-4
PICTURES = 100
NO_TORCH = "no PyTorch: --libtorch"


def run_all(place, table):
    everything = [training, same_bytes, killed, nets, evaluation, series, tasks, prediction, report, export, waits]
    for check in everything:
        try:
            check(place, table)
        except Missing:
            raise
        except Exception as reason:
            table.add(check.__name__.replace("_", " "), FAILED, f"{type(reason).__name__}: {reason}")


def settings(place):
    """How products are rounded: what libtorch does unasked, and full f32. On a CPU there is no choice."""
    if not place.on_gpu:
        return [("default", "f32")]
    return [("default", "TF32 in cuDNN, not in cuBLAS (libtorch's default)"), ("off", "no TF32")]


def training(place, table):
    """The recipe by birnn and by PyTorch with the images on the device, step by step and as a CUDA graph."""
    for tf32, said in settings(place):
        ours = [trained(place, f"train-{tf32}-{seed}", seed, tf32) for seed in range(place.seeds)]
        floor = QUICK_FLOOR if place.quick else FLOORS[place.dataset]
        mean = statistics.mean(100 * run["right"] for run in ours)
        whole = statistics.median(run["whole"] for run in ours)
        figure = f"{figures(ours)}; the whole program {whole:.1f} s; at least {floor:.0f} % is right"
        table.judge(f"bilstm.toml by birnn, {said}", mean >= floor, figure)
        for graph in [False, True]:
            way = "as one CUDA graph per step" if graph else "step by step"
            check = f"the same by PyTorch, {way}, {said}"
            if not place.python:
                table.add(check, SKIPPED, NO_TORCH)
                continue
            theirs = [by_torch(place, seed, tf32, graph) for seed in range(place.seeds)]
            told = figures(theirs)
            if place.on_gpu:
                told += f"; it says TF32: {theirs[0]['tf32']}"
            elif graph:
                told += "; a CPU captures no graph: the same code, each step run"
            apart = abs(mean - statistics.mean(100 * run["right"] for run in theirs))
            table.judge(check, place.quick or apart <= APART, f"{told}; {apart:.2f} points from birnn's")


def trained(place, name, seed, tf32):
    run, whole = place.train(name, tf32, sets=[f"seed={seed}"])
    seconds = [json.loads(line)["seconds"] for line in (run / "timing.jsonl").read_text().splitlines()]
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    test = next(record for record in records if record["event"] == "test")
    return {"right": test["accuracy"], "seconds": seconds, "whole": whole}


def by_torch(place, seed, tf32, graph):
    limit = 2000 if place.quick else None
    what = {"device": place.device, "data": place.images, "limit": limit}
    found = place.torch("train", {**what, "seed": seed, "epochs": 2, "graph": graph}, tf32)
    return {"right": found["correct"] / found["images"], "seconds": found["seconds"], "tf32": found["tf32"]}


def figures(runs):
    rights = sorted(100 * run["right"] for run in runs)
    spread = f" ({rights[0]:.2f} to {rights[-1]:.2f}, {len(runs)} seeds)" if len(runs) > 1 else " (seed 0)"
    seconds = statistics.median(sum(run["seconds"]) for run in runs)
    last = statistics.median(run["seconds"][-1] for run in runs)
    times = f"{seconds:.2f} s of training, {last:.2f} s the last epoch"
    return f"{statistics.mean(rights):.2f} %{spread}, {times}"


def digests(run):
    names = ["model.safetensors", "metrics.jsonl"]
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in names}


def compare_bytes(table, check, one, other, said=""):
    one, other = digests(one), digests(other)
    differing = [name for name in one if one[name] != other[name]]
    alike = ", ".join(f"{name} {digest[:12]}" for name, digest in one.items())
    table.judge(check, not differing, (f"{', '.join(differing)} differ" if differing else alike) + said)


def same_bytes(place, table):
    first, again = (place.train(name, sets=["seed=7"])[0] for name in ["once", "again"])
    compare_bytes(table, "the same seed twice gives the same bytes", first, again)


def killed(place, table):
    """SIGKILL after the second checkpoint, then on; beside the same run undisturbed. With what a step draws or keeps on
    the device."""
    every = 5 if place.quick else 100
    sets = ["seed=7", f"train.checkpoint_every={every}", "model.dropout=0.3", "train.ema_decay=0.99", "train.shards=2"]
    undisturbed, _ = place.train("undisturbed", sets=sets)
    words = [str(place.program), *map(str, place.train_command("killed", sets=sets))]
    run = place.work / "killed"
    env, null = place.birnn_environment("default", {}), subprocess.DEVNULL
    training = subprocess.Popen(words, env=env, cwd=place.work, stdout=null, stderr=null)
    try:
        while training.poll() is None and not (run / "checkpoints" / "previous.safetensors").exists():
            time.sleep(0.002)
    finally:
        training.kill()
        training.wait()
    if (run / "model.safetensors").exists() or not (run / "checkpoints" / "last.safetensors").exists():
        raise Failed("the run was not killed in its middle, so nothing is shown: try again")
    resumed = place.birnn("train", "--resume", run, "--offline", *place.data_dir())
    went_on = next((line for line in resumed.stderr.splitlines() if "resum" in line or "step" in line), "")
    went_on = went_on.replace(str(place.work) + "/", "")
    check = "killed (SIGKILL) and resumed: the bytes of an undisturbed run"
    compare_bytes(table, check, undisturbed, run, f"; {went_on}")


# One of each cell, readout and pair of directions.
NETS = {
    "rnn, tanh, final": ["cell=rnn", "readout=final"],
    "rnn, relu, mean": ["cell=rnn", "nonlinearity=relu", "readout=mean"],
    "gru, last": ["cell=gru"],
    "gru, max, 64 and 32 units": ["cell=gru", "readout=max", "hidden={ forward = 64, reverse = 32 }"],
    "lstm, attention, 3 layers": ["readout=attention", "layers=3"],
    "lstm, last, 64 and 32 units": ["hidden={ forward = 64, reverse = 32 }"],
    "lstm, forward alone": ["bidirectional=false"],
    "gru, mean, reverse alone": ["cell=gru", "readout=mean", "bidirectional=false", "hidden={ reverse = 64 }"],
}


def nets(place, table):
    """The losses of ten steps, and the answers after them, on the GPU and on the CPU."""
    check = "nets of every kind: GPU and CPU, no TF32"
    if not place.on_gpu:
        table.add(check, SKIPPED, "there is only a CPU")
        return
    losses_apart, answers_apart = {}, {}
    for name, settings in NETS.items():
        sets = ["train.log_every=1", *(f"model.{setting}" for setting in settings)]
        folder = re.sub(r"\W+", "-", name)
        here, there = (
            place.train(f"{folder}-{device}", "off", 1000, 1, sets, device)[0] for device in [place.device, "cpu"]
        )
        losses_apart[name] = furthest([losses(here)], [losses(there)])
        pictures = [predict(place, here, device, "off") for device in [place.device, "cpu"]]
        answers_apart[name] = furthest(*(each.values() for each in pictures))
    worst, furthest_answers = (max(each, key=each.get) for each in [losses_apart, answers_apart])
    figure = (
        f"{len(NETS)} nets; losses of ten steps {losses_apart[worst]:.1e} apart at most ({worst}), "
        f"probabilities {answers_apart[furthest_answers]:.1e} ({furthest_answers})"
    )
    right = losses_apart[worst] <= LOSSES_APART and answers_apart[furthest_answers] <= CLOSE
    table.judge(check, right, figure)


def losses(run):
    records = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    found = [record["loss"] for record in records if record["event"] == "step"]
    if len(found) != 10:
        raise Failed(f"{len(found)} losses in {run.name}/metrics.jsonl, not 10")
    return found


def evaluate(place, run, device, tf32):
    words = ["eval", run, "--json", "--device", device, *place.data_dir()]
    return json.loads(place.birnn(*words, tf32=tf32).stdout)


def evaluation(place, table):
    run = place.work / "once"
    if not place.on_gpu:
        found, own = evaluate(place, run, "cpu", "default"), test_record(run)
        same = found["correct"] == own["correct"]
        figure = f"{found['correct']} of {found['samples']} right"
        table.judge("eval: what training said at its end", same, figure)
        return
    cpu = evaluate(place, run, "cpu", "off")
    for tf32, said in settings(place):
        gpu = evaluate(place, run, place.device, tf32)
        apart = abs(gpu["correct"] - cpu["correct"])
        moved = len({n["sample"] for n in gpu["mistakes"]} ^ {n["sample"] for n in cpu["mistakes"]})
        counts = f"{gpu['correct']} right on the GPU, {cpu['correct']} on the CPU, of {cpu['samples']}"
        figure = f"{counts}; {moved} answers differ"
        # An image on the very border may fall either way.
        table.judge(f"eval: GPU and CPU, {said}", apart <= (10 if tf32 == "default" else 2), figure)


def series(place, table):
    """Series of unequal lengths: trained twice, on the CPU too, and evaluated on both."""

    def train(name, device=None):
        return place.train(name, sets=["seed=7"], device=device, config=SERIES)[0]

    run = train("series")
    compare_bytes(table, "series: the same seed twice gives the same bytes", run, train("series-again"))
    own = test_record(run)
    right = 100 * own["accuracy"]
    table.judge(f"{SERIES} by birnn", right >= SERIES_FLOOR, f"{right:.2f} %; at least {SERIES_FLOOR:.0f} % is right")
    if place.on_gpu:
        cpu = 100 * test_record(train("series-cpu", "cpu"))["accuracy"]
        figure = f"{right:.2f} % and {cpu:.2f} %"
        table.judge("series: trained on the GPU and on the CPU", abs(right - cpu) <= SERIES_APART, figure)
    there = evaluate(place, run, place.device, "off")["correct"]
    # Training may have judged with TF32.
    check, beside = "series: eval: what training said at its end", own["correct"]
    if place.on_gpu:
        check, beside = "series: eval: GPU and CPU, no TF32", evaluate(place, run, "cpu", "off")["correct"]
    table.judge(check, there == beside, f"{there} and {beside} of {own['samples']} right")


# What else a net learns, without what is drawn on the device, and so otherwise than on a CPU.
TASKS = {
    "series/synthetic-tags.toml": [],
    "series/synthetic-numbers.toml": [],
    "text/synthetic.toml": ["model.input_dropout=0", "model.embedding.rare_word_dropout=0"],
}


def tasks(place, table):
    """A class for each step, a number for each series, tags of words by a random field: ten steps, twice, and beside
    the CPU's."""
    apart = {}
    for config, sets in TASKS.items():
        name = Path(config).stem

        def train(folder, device=None):
            own = ["seed=7", "train.log_every=1", *sets]
            # Of 520 each of them keeps 200 back; batches are of 32.
            return place.train(f"{name}-{folder}", "off", 520, 1, own, device, config)[0]

        run = train("once")
        first = losses(run)
        compare_bytes(table, f"{config}: the same seed twice gives the same bytes", run, train("again"))
        if place.on_gpu:
            apart[config] = furthest([first], [losses(train("cpu", "cpu"))])
    if place.on_gpu:
        worst = max(apart, key=apart.get)
        figure = f"losses of ten steps {apart[worst]:.1e} apart at most ({worst})"
        table.judge("other tasks: GPU and CPU, no TF32", apart[worst] <= LOSSES_APART, figure)


def test_record(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return next(record for record in map(json.loads, lines) if record["event"] == "test")


def predict(place, run, device, tf32):
    """Each picture's probabilities, by the picture's name."""
    pictures = [place.kit / "pictures", first_images(place)]
    words = ["predict", run, *pictures, "--json", "--device", device]
    found = json.loads(place.birnn(*words, tf32=tf32).stdout)
    if found["errors"]:
        raise Failed(f"predict: {found['errors'][0]}")
    return {Path(each["image"]).name: each["probabilities"] for each in found["predictions"]}


def first_images(place):
    """The first test images as pictures of their own size, which birnn takes as they are."""
    folder = place.work / "first"
    if not folder.is_dir():
        folder.mkdir()
        pixels = read(place.images["test"][0])[16:]
        for n in range(PICTURES):
            (folder / f"test-{n:03}.png").write_bytes(png(pixels[n * 784 : (n + 1) * 784]))
    return folder


def read(path):
    data = Path(path).read_bytes()
    return zlib.decompress(data, 31) if path.endswith(".gz") else data


def png(pixels):
    """28 x 28 shades of grey."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[row * 28 : row * 28 + 28] for row in range(28))
    header = struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def furthest(some, others):
    return max(abs(a - b) for one, other in zip(some, others) for a, b in zip(one, other))


def prediction(place, table):
    run = place.work / "once"
    cpu = predict(place, run, "cpu", "off")
    sums = max(abs(sum(each) - 1) for each in cpu.values())
    table.judge("predict: probabilities add up to 1", sums < 1e-4, f"{len(cpu)} pictures, {sums:.1e} at most")
    if not place.on_gpu:
        return
    for tf32, said in settings(place):
        gpu = predict(place, run, place.device, tf32)
        apart = furthest([gpu[name] for name in cpu], cpu.values())
        # TF32 keeps ten bits, so that the default is told and not judged.
        right = tf32 == "default" or apart <= CLOSE
        table.judge(f"predict: GPU and CPU, {said}", right, f"{apart:.1e} apart at most")


def report(place, table):
    out = place.work / "report.html"
    place.birnn("report", place.work / "once", "--out", out, *place.data_dir())
    text = out.read_text()
    whole = text.rstrip().endswith("</html>") and "<svg" in text
    table.judge("report: one whole page", whole, f"{len(text) // 1000} kB")


def export(place, table):
    run = place.work / "once"
    files = {kind: str(place.work / f"exported.{kind}") for kind in ["ckpt", "safetensors", "onnx"]}
    for path in files.values():
        place.birnn("export", run, path)
    sizes = ", ".join(f"{Path(path).stat().st_size // 1000} kB" for path in files.values())
    table.judge("export: .ckpt, .safetensors, .onnx", True, sizes)
    if not place.python:
        table.add("export: the same answers in PyTorch", SKIPPED, NO_TORCH)
        return
    request = {**files, "device": place.device, "data": place.images, "first": PICTURES}
    theirs = place.torch("weights", request, tf32="off")
    ours = evaluate(place, run, place.device, "off")
    wrong = {str(each["sample"]): each for each in ours["mistakes"]}
    both = wrong.keys() & theirs["mistakes"].keys()
    moved = len(wrong.keys() ^ theirs["mistakes"].keys())
    pictures = predict(place, run, place.device, "off")
    first = [pictures[f"test-{n:03}.png"] for n in range(PICTURES)]
    apart = furthest(first, theirs["first"])
    surest = max((abs(wrong[n]["probability"] - theirs["mistakes"][n][1]) for n in both), default=0.0)
    counts = f"{theirs['correct']} right there, {ours['correct']} here; {moved} answers differ"
    furthest_said = f"{apart:.1e} apart over {PICTURES} images, {surest:.1e} over all mistakes"
    right = theirs["same"] and moved <= 2 and max(apart, surest) <= CLOSE
    check = "export: the same answers in PyTorch (f32), .ckpt and .safetensors alike"
    table.judge(check, right, f"{counts}; probabilities {furthest_said}")
    if theirs["onnx"] is None:
        table.add("export: .onnx in onnxruntime", SKIPPED, "no onnxruntime in that Python")
    else:
        apart = theirs["onnx"]
        table.judge("export: .onnx in onnxruntime", apart <= 1e-4, f"logits {apart:.1e} from PyTorch's")


def waits(place, table):
    """How often a step waits for the device: what a longer epoch adds, as start and end are no steps."""
    short, long = (200, 1000) if place.quick else (6000, 60000)
    for every in [1_000_000, 1] if place.quick else [1_000_000, 100, 1]:
        runs = [counted(place, limit, every) for limit in [short, long]]
        steps = (long - short) // 100
        more = {name: runs[1]["counts"][name] - runs[0]["counts"][name] for name in runs[0]["counts"]}
        wait = sum(more[name] for name in ["stream", "event", "device", "copy"]) / steps
        spent = 1e3 * (runs[1]["seconds"] - runs[0]["seconds"]) / steps
        check = f"waits for the device per step, log_every {every}"
        if place.on_gpu:
            there, back = (more[name] / steps for name in ["to_device", "to_host"])
            copies = f"copies to it {there:.2f}, from it {back:.2f}"
            allowed = 0.01 + 4 / every
            figure = f"{wait:.3f} (at most {allowed:.3f} is right), {copies}; {spent:.3f} ms per step"
            table.judge(check, wait <= allowed, figure)
        else:
            calls = sum(sum(run["counts"].values()) for run in runs)
            table.judge(check, calls == 0, f"{calls} calls of CUDA on a CPU; {spent:.2f} ms per step")


def counted(place, limit, every):
    name = f"waits-{every}-{limit}"
    counts = place.work / f"{name}.json"
    more = {"LD_PRELOAD": str(place.shim), "BIRNN_WAITS": str(counts)}
    run, _ = place.train(name, limit=limit, epochs=1, sets=[f"train.log_every={every}"], **more)
    seconds = json.loads((run / "timing.jsonl").read_text())["seconds"]
    return {"counts": json.loads(counts.read_text()), "seconds": seconds}
