"""Makes the seeds of fuzz targets.

idx: two images of 2 x 3, and their labels, plain and gzipped.

weights: what readers have stumbled over, each small: shared, expanded and overlapping tensors, copies of a list that is given
again and again, long names, lengths that no memory has. They are legacy files, and an archive without checksums: a checksum is
what no mutation gets past.

whole: data sets of five images of 2 x 2, pickled as Python 2 did it, gzipped too, and as NumPy's arrays in zip archives.

table: series in long and wide tables, gzipped too, with quotes, gaps and dates, and images.

npz: series of 2, 1 and 3 steps as NumPy's arrays, flat and padded, with classes and numbers, of each type.

series: a file with each tag, gzipped too; one with what may be missing; and series without a header.

text: sentences in columns, gzipped too, and in CoNLL-U; sentences and tags line by line, parted by a zero; and texts with
their classes in each form.

requests: what is sent to a server of a network of images of 28 x 28, one of series of three features and one of words.

pictures: of 4 x 4, in each format that needs no library here.
"""

import base64
import gzip
import json
import pathlib
import struct
import zipfile
import zlib

FOLDER = pathlib.Path(__file__).parent


def write(folder, name, content):
    (FOLDER / folder).mkdir(exist_ok=True)
    (FOLDER / folder / name).write_bytes(content)


images = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 2, 3) + bytes(range(12))
labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + bytes([1, 0])
for name, content in [("images", images), ("labels", labels)]:
    write("idx", name, content)
    write("idx", f"{name}.gz", gzip.compress(content, mtime=0))


# Pickles, opcode by opcode.
DICT = b"ccollections\nOrderedDict\n"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    return b"J" + struct.pack("<i", value) if value < 1 << 31 else b"\x8a\x08" + struct.pack("<q", value)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key, count, kind="FloatStorage"):
    return b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(key, count, offset, shape, stride):
    return TENSOR + b"(" + storage(key, count) + number(offset) + numbers(shape) + numbers(stride) + b"\x89" + DICT + b")RtR"


def net(change=()):
    """The pickle of an LSTM of one unit that reads one feature, and its storages."""
    shapes = {"lstm.weight_ih_l0": [4, 1], "lstm.weight_hh_l0": [4, 1], "fc.weight": [2, 1]}
    entries = {
        name: tensor(str(key), shape[0], 0, shape, [1, 1]) for key, (name, shape) in enumerate(shapes.items())
    }
    entries.update(change)
    return b"}(" + b"".join(text(name) + value for name, value in entries.items()) + b"u.", [4, 4, 2]


def legacy(pickle, counts=()):
    start = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02"
    keys = b"\x80\x02](" + b"".join(text(str(key)) for key in range(len(counts))) + b"e."
    floats = (struct.pack("<Q", count) + struct.pack(f"<{count}f", *range(count)) for count in counts)
    return start + pickle + keys + b"".join(floats)


def archive(pickle, counts):
    path = FOLDER / "archive"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        entries = {"data.pkl": b"\x80\x02" + pickle}
        entries.update({f"data/{key}": struct.pack(f"<{count}f", *range(count)) for key, count in enumerate(counts)})
        for name, content in entries.items():
            file.writestr(zipfile.ZipInfo(f"a/{name}"), content)
    content = bytearray(path.read_bytes())
    path.unlink()
    for signature, place in [(b"PK\x03\x04", 14), (b"PK\x01\x02", 16)]:
        at = content.find(signature)
        while at >= 0:
            content[at + place : at + place + 4] = bytes(4)
            at = content.find(signature, at + 1)
    return bytes(content)


def safetensors(header, floats):
    header = json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack(f"<{floats}f", *range(floats))


def info(shape, start, end):
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}


again = 20
weights = {
    "net": legacy(*net()),
    "archive": archive(*net()),
    "shared": legacy(*net({"lstm.weight_hh_l0": tensor("0", 4, 0, [4, 1], [1, 1])})),
    "overlapping": legacy(*net({"lstm.weight_hh_l0": tensor("0", 4, 1, [3, 1], [1, 1])})),
    "expanded": legacy(*net({"lstm.weight_ih_l0": tensor("0", 4, 0, [4, 9], [1, 0])})),
    "beyond_64_bits": legacy(*net({"lstm.weight_ih_l0": tensor("0", 4, 0, [1 << 40, 1 << 40], [0, 0])})),
    "pruned": legacy(
        *net({"fc.weight_orig": tensor("2", 2, 0, [2, 1], [1, 1]), "fc.weight_mask": tensor("2", 2, 0, [2, 1], [1, 1])})
    ),
    "weight_norm": legacy(
        *net({"fc.weight_g": tensor("2", 2, 0, [2, 1], [1, 1]), "fc.weight_v": tensor("2", 2, 0, [2, 1], [1, 1])})
    ),
    "nested": legacy(b"}(" + text("model") + net()[0][:-1] + text("ema") + net()[0][:-1] + b"u.", [4, 4, 2]),
    "many_names": legacy(
        b"}" + text("w") + tensor("0", 4, 0, [4], [1]) + b"q\x00s"
        + b"".join(text(str(name)) + b"h\x00s" for name in range(again)) + b".", [4],
    ),
    "ordered_dict_again": legacy(DICT + b"q\x000NN\x86q\x010](" + b"h\x01" * again + b"e\x85q\x020(" + b"h\x00h\x02R" * again + b"t."),
    "name_again": legacy(text("torch") + b"q\x000" + text("FloatStorage") + b"q\x010(" + b"h\x00h\x01\x93" * again + b"t."),
    "storage_again": legacy(storage("0", 1)[:-1] + b"q\x000(" + b"h\x00Q" * again + b"t."),
    "tensor_again": legacy(
        TENSOR + b"q\x000(" + storage("0", 4) + b"K\x00" + numbers([4]) + numbers([1]) + b"tq\x010("
        + b"h\x00h\x01R" * again + b"t."
    ),
    "rows": safetensors(
        {
            "lstm.weight_ih_l0": info([1 << 61, 0], 0, 0),
            "lstm.weight_hh_l0": info([4, 1], 0, 16),
            "fc.weight": info([2, 1], 16, 24),
        },
        6,
    ),
    "tied": safetensors(
        {
            "__metadata__": {"lstm.weight_hh_l0": "lstm.weight_ih_l0"},
            "lstm.weight_ih_l0": info([4, 1], 0, 16),
            "fc.weight": info([2, 1], 16, 24),
        },
        6,
    ),
}
for name, content in weights.items():
    write("weights", name, content)


def png(color, bytes_of_a_pixel):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pixels = b"".join(b"\0" + bytes(255 if x in (1, 2) else 0 for x in range(4) for _ in range(bytes_of_a_pixel)) for _ in range(4))
    head = struct.pack(">IIBBBBB", 4, 4, 8, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


ink = bytes([0, 255, 255, 0] * 4)
bmp = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 24, 0, 48, 0, 0, 0, 0) + bytes(value for value in ink for _ in range(3))
pictures = {
    "grey.png": png(0, 1),
    "alpha.png": png(6, 4),
    "plain.pgm": b"P2 4 4 255\n" + b" ".join(str(value).encode() for value in ink) + b"\n",
    "raw.pgm": b"P5 4 4 255\n" + ink,
    "colour.ppm": b"P6 4 4 255\n" + bytes(value for value in ink for _ in range(3)),
    "bits.pbm": b"P4 4 4\n" + bytes([0x60] * 4),
    "colour.bmp": b"BM" + struct.pack("<IHHI", 54 + 48, 0, 0, 54) + bmp,
}
for name, content in pictures.items():
    write("pictures", name, content)


def ndarray(shape, kind, numbers):
    """The pickle of an array, by NumPy for Python 2."""
    start = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
    sizes = b"".join(b"K" + bytes([size]) for size in shape) + bytes([0x84 + len(shape)])
    dtype = b"cnumpy\ndtype\nU\x02" + kind + b"K\x00K\x01\x87R(K\x03U\x01<NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
    return start + sizes + dtype + b"\x89T" + struct.pack("<I", len(numbers)) + numbers + b"tb"


def npy(shape):
    count = 1
    for size in shape:
        count *= size
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(range(count))


def whole_pair(count):
    images = ndarray([count, 4], b"f4", struct.pack(f"<{4 * count}f", *(value / 256 for value in range(4 * count))))
    return images + ndarray([count], b"i8", struct.pack(f"<{count}q", *(value % 2 for value in range(count)))) + b"\x86"


pickle = b"\x80\x02" + whole_pair(2) + whole_pair(1) + whole_pair(2) + b"\x87."
write("whole", "set.pkl", pickle)
write("whole", "set.pkl.gz", gzip.compress(pickle, mtime=0))
for name, method in [("stored.npz", zipfile.ZIP_STORED), ("deflated.npz", zipfile.ZIP_DEFLATED)]:
    with zipfile.ZipFile(FOLDER / "whole" / name, "w", method) as file:
        for part, shape in [("x_train", (3, 2, 2)), ("y_train", (3,)), ("x_test", (2, 2, 2)), ("y_test", (2,))]:
            file.writestr(zipfile.ZipInfo(f"{part}.npy"), npy(shape), method)


def array(descr, shape, content, fortran=False):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode() + b" \n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


values = [1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, float("nan")]
lengths = array("<i8", "(3,)", struct.pack("<3q", 2, 1, 3))
words = b"".join(word.encode("utf-32-le") for word in ["on", "of", "on"])
(FOLDER / "npz").mkdir(exist_ok=True)
for name, method, arrays in [
    ("flat.npz", zipfile.ZIP_STORED, {
        "X": array("<f4", "(6, 2)", struct.pack("<12f", *values)), "lengths": lengths,
        "y": array("<U2", "(3,)", words), "ids": array("|S2", "(3,)", b"a\0b\0cd"),
    }),
    ("turned.npz", zipfile.ZIP_STORED, {
        "X": array(">f8", "(6, 2)", struct.pack(">12d", *values), True), "lengths": lengths,
        "y": array("|b1", "(6,)", bytes([0, 1, 1, 0, 0, 1])), "groups": array("|u1", "(3,)", bytes([7, 7, 8])),
    }),
    ("padded.npz", zipfile.ZIP_DEFLATED, {
        "X": array("|i1", "(3, 3, 2)", bytes(range(18))), "lengths": lengths,
        "y": array("<f4", "(3, 2)", struct.pack("<6f", *range(6))),
    }),
    ("equal.npz", zipfile.ZIP_DEFLATED, {
        "X": array("<i2", "(2, 3)", bytes(range(12))), "y": array("<u4", "(2, 3)", bytes(24)),
    }),
]:
    with zipfile.ZipFile(FOLDER / "npz" / name, "w", method) as file:
        for part, content in arrays.items():
            file.writestr(zipfile.ZipInfo(f"{part}.npy"), content, method)


long_table = b"""id,t,g,a,b,y
p2,2026-01-01T00:00,w,1.5,-2e-1,1
"p1",2025-12-31 23:30:00.5+01:00,v,,"3",0
p2,2025-12-31,w,NA,4,1
"""
tables = {
    "long.csv": long_table,
    "long.csv.gz": gzip.compress(long_table, mtime=0),
    "numbers.csv": b"\xef\xbb\xbfmeasured\r\nt,x,y\r\n1,2,3\r\n\r\n2,,4\r\n",
    "wide.csv": b"y,id,a_0,b_0,a_1,b_1\n1,\"p\n1\",1,2,3,4\n2,p2,5,6,,\n",
    "images.csv": b"y,pixel0,pixel1\n7,0,255\n9,1.0,2\n",
}
for name, content in tables.items():
    write("table", name, content)


vowels = b"""# two speakers
@problemName Vowels
@timeStamps false
@missing true
@univariate false
@dimensions 2
@equalLength false
@seriesLength 3
@targetLabel false
@classLabel true ann bob
@data
1.86,1.89,?:-0.21,NaN,-2e-1:ann
1.30,1.28:0.07,:bob
"""
series = {
    "vowels.ts": vowels,
    "vowels.ts.gz": gzip.compress(vowels, mtime=0),
    "windows.ts": b"\xef\xbb\xbf@univariate true\r\n@equalLength true\r\n@classLabel true\r\n@data\r\n1,2:10\r\n3,4:9\r\n",
    "unlabelled.ts": b"%\n@dimension\t2\n@classLabel false\n@data\n1,2:3,4:\n5:6\n",
    "lines": b"1,2:3,4\n# none\n\n5:6:ann\n",
}
for name, content in series.items():
    write("series", name, content)

columns = b"-DOCSTART- -X- O\n\n# id = 1\nNew NNP B\nYork NNP O\n\n# # O\r\nof\tIN\tO\n"
word = "%s\t%s\t_\t%s\tn\t_\t0\troot\t_\t%s\n"
conllu = [("1-2", "am", "_", "_"), ("1", "an", "O", "_"), ("2", "dem", "B", "SpaceAfter=No"), ("2.1", "q", "_", "_")]
texts = {
    "columns": columns,
    "columns.gz": gzip.compress(columns, mtime=0),
    "tokens": b"New\nYork\n\nof\n",
    "conllu": b"# text = am\n" + "".join(word % row for row in conllu).encode() + b"\n",
    "lines": b"New York\n\nof\n\0B O\n\nO\n",
    "classes": b"New York\nof\n\0B\nO\n",
    "behind": "O a small gem\nB é\n".encode(),
    "json": b'{"text": "a gem", "label": "O"}\n{"label": 1, "text": "a\\u00e9", "id": [1, {}]}\n',
    "csv": b'id,text,label\n1,"a, ""small""\ngem",O\n2,b,B\n',
}
for name, content in texts.items():
    write("text", name, content)


def request(name, kind, body, question="predict", more=b""):
    head = b"POST /v1/models/%s/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
    return head % (name, question.encode(), kind, len(body), more) + body


JSON = b"application/json"
picture = (FOLDER / "pictures" / "grey.png").read_bytes()
pixels = base64.b64encode(bytes(range(256)) * 3 + bytes(16))
requests = {
    "page": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "models": b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: close\r\n\r\n",
    "picture": request(b"images", b"image/png", picture),
    "pictures": request(b"images", JSON, b'{"images": ["%s", "%s"]}' % ((base64.b64encode(picture),) * 2)),
    "pixels": request(b"images", JSON, b'{"pixels": ["%s"]}' % pixels, "explain"),
    "series": request(b"series", JSON, b'{"series": [[[1, 2, 3], [-2.5e3, 0, 1]], [[0.5, 1, 0]]]}'),
    "numbers": request(b"series", JSON, b'{"series": [[1, null, 3]]}', "explain", b"Expect: 100-continue\r\n"),
    "sentences": request(b"text", JSON, '{"sentences": [["New", "York"], "a gem é"]}'.encode()),
    "sentence": request(b"text", JSON, b'{"sentences": [["\\u0130", "of"]]}', "explain"),
    "chunked": b"POST /v1/models/text/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Transfer-Encoding: chunked\r\n\r\n12\r\n{"sentences":["a"]\r\n1\r\n}\r\n0\r\n\r\n',
}
for name, content in requests.items():
    write("requests", name, content)
