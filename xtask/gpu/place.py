"""Where things are, and how to run them: the kit itself, libtorch 2.11, a Python with PyTorch, the images."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

VERSION = "2.11.0"
# What decides how numbers are rounded on a GPU, and what else each run here says for itself.
ROUNDING = ["NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"]
NOT_INHERITED = [*ROUNDING, "LD_PRELOAD", "BIRNN_DATA_DIR", "RUST_LOG"]
# Looks for torch without importing it, which takes seconds.
PROBE = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')"
MNIST = [f"{part}-{what}-ubyte" for part in ["train", "t10k"] for what in ["images-idx3", "labels-idx1"]]
# The experiments in the kit.
IMAGES, SERIES = "bilstm.toml", "series/synthetic.toml"


class Missing(Exception):
    """Something is not there that the checks need; the message says what and the way out."""


class Failed(Exception):
    """A program that should have done its work did not; and all that it said."""

    def __init__(self, reason, said=""):
        super().__init__(reason)
        self.said = said


def refuse(message):
    print(f"error: {message}", file=sys.stderr)
    return 2


def verify(kit):
    """Holds each file of the kit against its SHA-256."""
    sums = kit / "SHA256SUMS"
    again = "pack or copy the kit anew"
    if not sums.is_file():
        raise Missing(f"{sums} is missing, so the kit is not whole: {again}")
    listed = dict(reversed(line.split("  ", 1)) for line in sums.read_text().splitlines())
    for name, digest in listed.items():
        path = kit / name
        if not path.is_file():
            raise Missing(f"{path} is missing: {again}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise Missing(f"{path} is not what was packed: {again}")
    return len(listed)


def version_of(torch):
    """libtorch's version by the files beside it, without loading it; and the CUDA it was built with."""
    built = torch / "build-version"
    if built.is_file():
        return built.read_text().strip(), None
    text = (torch / "version.py").read_text() if (torch / "version.py").is_file() else ""
    named = {key: value for key, value in re.findall(r"^(\w+)\b[^=\n]*= *['\"]([^'\"]+)['\"]", text, re.M)}
    return named.get("__version__"), named.get("cuda")


def pythons(chosen):
    """The Pythons that could have PyTorch: the one that was named, or this one and those on PATH."""
    if chosen:
        found = shutil.which(chosen)
        if not found:
            raise Missing(f"--python {chosen} is no program: correct it")
        return [os.path.abspath(found)]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    on_path = [shutil.which(name, path=folder) for folder in folders for name in ["python3", "python"]]
    return list(dict.fromkeys(path for path in [sys.executable, *on_path] if path))


def find_torch(chosen):
    """The first Python that has PyTorch, and the folder of its torch."""
    asked = pythons(chosen)
    for python in asked:
        try:
            done = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and done.stdout.strip():
            return python, Path(done.stdout.strip()).parent
    raise Missing(
        f"no PyTorch in {', '.join(asked)}: activate or name (--python) a Python that has torch {VERSION} "
        f"with CUDA 13 (`pip install torch=={VERSION}`), or name a folder with libtorch (--libtorch)"
    )


def last_line(text):
    """The last line, or the last that calls itself an error: below that an excerpt of a file may follow."""
    lines = text.strip().splitlines() or ["it said nothing"]
    return next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1])


class Place:
    def __init__(self, kit, args, work, table):
        self.kit, self.work = kit, work
        self.device, self.quick, self.seeds = args.device, args.quick, args.seeds
        self.program = kit / "bin" / "birnn"
        self.on_gpu = self.device != "cpu"
        self.check_kit(table)
        self.check_libtorch(args, table)
        self.find_images(args, table)
        self.check_device(table)

    def check_kit(self, table):
        files = verify(self.kit)
        about = json.loads((self.kit / "about.json").read_text())
        table.note("packed from commit", about["commit"])
        table.judge("the kit is whole", True, f"{files} files, each by its SHA-256")
        arch = platform.machine()
        if arch != about["arch"]:
            raise Missing(f"the program is for {about['arch']}, and this is {arch}: pack it on the like")
        (name, found), wanted = platform.libc_ver(), about["glibc"]
        numbers = [tuple(map(int, text.split("."))) for text in [found or "0", wanted]]
        if name == "glibc" and numbers[0] < numbers[1]:
            raise Missing(f"glibc {wanted} or newer is needed, and this is {found}: take a newer system")
        # LD_PRELOAD takes a space for the end of a name, and the kit's folder may have one: programs run in
        # the folder for work, from where it needs no more than this.
        shutil.copy(self.kit / "lib" / "libwaits.so", self.work)
        self.shim = "./libwaits.so"

    def check_libtorch(self, args, table):
        if args.libtorch:
            self.python, torch = None, args.libtorch.resolve()
        else:
            self.python, torch = find_torch(args.python)
        self.lib = torch / "lib"
        if not (self.lib / "libtorch_cpu.so").is_file():
            raise Missing(f"{self.lib}/libtorch_cpu.so is missing: name a whole libtorch {VERSION}")
        version, cuda = version_of(torch)
        if not version or version.split("+")[0] != VERSION:
            raise Missing(f"{torch} is libtorch {version}, and {VERSION} is needed: install that")
        if self.on_gpu and not (self.lib / "libtorch_cuda.so").is_file():
            raise Missing(f"{torch} is without CUDA: `pip install torch=={VERSION}` on Linux brings CUDA 13")
        table.note("libtorch", f"{version}, CUDA {cuda or 'not said'}, in {torch}")
        self.onnxruntime = None
        if self.python:
            found = self.torch("versions", None)
            self.onnxruntime = found["onnxruntime"]
            gpus = ", ".join(found["gpus"]) or "no GPU"
            table.note("PyTorch", f"{found['torch']}, cuDNN {found['cudnn']}, {gpus}; {self.python}")
            table.note("onnxruntime", self.onnxruntime or "none in that Python")
        # What `birnn` becomes for all that needs libtorch; `birnn` itself would start without.
        says = self.run(self.program.with_name("birnn-torch"), "--version").stdout.strip()
        table.note("birnn", says)
        table.judge("the program starts with this libtorch", says.startswith("birnn "), says)

    def find_images(self, args, table):
        """Real MNIST where it is, else the digits that were packed; and how birnn is told to take them."""
        named = [("--data-dir", args.data_dir), ("$BIRNN_DATA_DIR", os.environ.get("BIRNN_DATA_DIR"))]
        for origin, folder in [*named, ("the kit's", self.kit / "data")]:
            if not folder:
                continue
            folder = Path(folder).resolve()
            paths = [self.there(folder / "mnist" / name) for name in MNIST]
            if all(paths):
                self.settings, self.dataset = ["--data-dir", str(folder)], "mnist"
                break
            if origin == "--data-dir":
                raise Missing(f"{folder}/mnist has not MNIST's four files: correct or leave out --data-dir")
        else:
            origin, folder = "the kit's", self.kit / "data"
            paths = [self.there(folder / "synthetic" / name) for name in MNIST]
            if not all(paths):
                raise Missing(f"{folder} has no images: pack the kit anew, or name MNIST's folder: --data-dir")
            keys = [f"data.{part}_{what}" for part in ["train", "test"] for what in ["images", "labels"]]
            sets = ["data.dataset=idx", "data.fallback=none"]
            sets += [f"{key}={json.dumps(str(path))}" for key, path in zip(keys, paths)]
            self.settings = [word for each in sets for word in ["--set", each]]
            self.dataset = "synthetic digits"
        self.images = {"train": [str(path) for path in paths[:2]], "test": [str(path) for path in paths[2:]]}
        table.note("images", f"{self.dataset}, {origin}: {folder}")

    @staticmethod
    def there(path):
        return next((found for found in [Path(f"{path}.gz"), path] if found.is_file()), None)

    def check_device(self, table):
        """A few steps there, or what birnn says is missing."""
        cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
        cores = len(os.sched_getaffinity(0))
        table.note("processor", f"{cpu.group(1) if cpu else platform.machine()}, {cores} cores")
        if self.on_gpu and shutil.which("nvidia-smi"):
            query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
            for index, gpu in enumerate(subprocess.run(query, capture_output=True, text=True).stdout.splitlines()):
                table.note(f"GPU {index}, driver", gpu)
        try:
            self.train("probe", limit=200, epochs=1)
        except Failed as reason:
            # That a GPU is missing is the machine's affair; all else is a fault.
            said = re.search(r"no (CUDA|`cuda:\d+`) here\b.*", str(reason))
            if not said:
                raise
            # Such as how old the driver is.
            warned = re.findall(r"Warning: (.*)", reason.said)
            raise Missing("; ".join([said.group(0), *warned])) from reason
        table.judge("it trains there", True, f"two steps on {self.device}")
        table.note("device", self.device)

    def environment(self, tf32, more):
        env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        if tf32 == "off":
            # Obeyed by cuDNN and cuBLAS, whoever calls them.
            env["NVIDIA_TF32_OVERRIDE"] = "0"
        return {**env, **more}

    def birnn_environment(self, tf32, more):
        folders = [str(self.lib), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        return self.environment(tf32, {"LD_LIBRARY_PATH": os.pathsep.join(folders), **more})

    def birnn(self, *args, tf32="default", **more):
        """Runs birnn to its end; an error carries its last line."""
        return self.run(self.program, *args, tf32=tf32, **more)

    def run(self, program, *args, tf32="default", **more):
        command = [str(program), *map(str, args)]
        env = self.birnn_environment(tf32, more)
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=self.work)
        except OSError as reason:
            way_out = "chmod +x it, or copy the kit to a folder that programs may be run in"
            raise Missing(f"{program} cannot be run ({reason.strerror}): {way_out}") from reason
        if done.returncode != 0:
            why = f"{program.name} {args[0]} ended with {done.returncode}: {last_line(done.stderr)}"
            raise Failed(why, done.stderr)
        return done

    def train_command(self, name, limit=None, epochs=None, sets=(), device=None, config=IMAGES):
        limit = limit or (2000 if self.quick else None)
        numbers = {"data.limit": limit, "train.epochs": epochs}
        sets = [*sets, *(f"{key}={number}" for key, number in numbers.items() if number)]
        words = [word for each in sets for word in ["--set", each]]
        place = ["--run-dir", self.work / name, "--device", device or self.device, "--offline"]
        # Series are made by code.
        settings = self.settings if config == IMAGES else []
        return ["train", self.kit / "configs" / config, *place, *settings, *words]

    def train(self, name, tf32="default", limit=None, epochs=None, sets=(), device=None, config=IMAGES, **more):
        """Trains into a folder of this name; gives it, and the seconds that the whole program took."""
        start = time.monotonic()
        self.birnn(*self.train_command(name, limit, epochs, sets, device, config), tf32=tf32, **more)
        return self.work / name, time.monotonic() - start

    def data_dir(self):
        """The option by which a run finds its images where they are now, if it has to be told."""
        return self.settings if self.settings[0] == "--data-dir" else []

    def torch(self, command, request, tf32="default"):
        words = [self.python, "-B", str(self.kit / "pytorch.py"), command, json.dumps(request)]
        env = self.environment(tf32, {})
        done = subprocess.run(words, capture_output=True, text=True, env=env, cwd=self.work)
        if done.returncode != 0:
            raise Failed(f"PyTorch could not do `{command}`: {last_line(done.stderr)}")
        return json.loads(last_line(done.stdout))
