"""Makes the seeds of the `idx` target: two images of 2 x 3, and their labels, plain and gzipped."""

import gzip
import pathlib
import struct

folder = pathlib.Path(__file__).parent / "idx"
images = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 2, 3) + bytes(range(12))
labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + bytes([1, 0])
for name, content in [("images", images), ("labels", labels)]:
    (folder / name).write_bytes(content)
    (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
