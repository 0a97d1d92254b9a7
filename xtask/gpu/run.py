#!/usr/bin/env python3
"""Holds birnn to its word on a machine with an NVIDIA GPU, PyTorch 2.11 and no Rust.

    ./run                        every check, on the first GPU
    ./run --device cpu --quick   the same on the processor, shortened: is the kit itself in order?

Prints a table and writes it to results/, as Markdown and JSON. Exit codes: 0 every check passed, 1 one
failed, 2 the request was wrong or something is missing, such as CUDA.
"""

import sys

# The kit stays what it was packed as: Python keeps nothing beside its files.
sys.dont_write_bytecode = True

import argparse
import re
import shutil
import tempfile
from pathlib import Path

import checks
import place
from table import FAILED, Table

KIT = Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(
        prog="run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu [default: cuda]")
    parser.add_argument("--quick", action="store_true", help="2000 training images: is the kit in order?")
    parser.add_argument("--seeds", type=int, help="train with so many seeds [default: 3; on a CPU 1]")
    parser.add_argument("--python", help="a Python with PyTorch 2.11 [default: the first that has it]")
    parser.add_argument(
        "--libtorch",
        type=Path,
        help="a folder with libtorch 2.11's lib/; nothing is compared with PyTorch then",
    )
    images = "a folder with mnist/ in it [default: $BIRNN_DATA_DIR, else the kit's data]"
    parser.add_argument("--data-dir", type=Path, help=images)
    parser.add_argument("--out", type=Path, default=KIT / "results", help="for the table [default: results/]")
    args = parser.parse_args()
    # The programs run elsewhere.
    args.out = args.out.absolute()
    if not re.fullmatch(r"cpu|cuda(:\d+)?", args.device):
        parser.error(f"--device {args.device}: there are cuda, cuda:N and cpu")
    if args.libtorch and args.python:
        parser.error("--libtorch is for where no Python has PyTorch: leave out --python")
    if args.seeds is not None and args.seeds < 1:
        parser.error("--seeds: at least 1")
    args.seeds = args.seeds or (1 if args.quick or args.device == "cpu" else 3)
    return args


def main():
    args = arguments()
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".work-", dir=args.out))
    except OSError as reason:
        return place.refuse(f"{args.out} cannot be written ({reason.strerror}): name another with --out")
    table = Table()
    try:
        machine = place.Place(KIT, args, work, table)
        checks.run_all(machine, table)
    except place.Missing as reason:
        table.missing = str(reason)
    except place.Failed as reason:
        table.add("the programs do their first work", FAILED, str(reason))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    table.write(args.out)
    if table.missing:
        return place.refuse(table.missing)
    return 1 if table.failed() else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
