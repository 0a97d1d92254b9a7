"""Draws the picture of docs/guide/evaluate-and-compare.md from what `birnn eval RUN --json` prints:

    cargo xtask run -- eval runs/bilstm/001 --json | python3 docs/confusion.py > docs/confusion.svg
"""
import json
import sys

CELL, LEFT, TOP = 34, 70, 64

report = json.load(sys.stdin)
names = [score["class"] for score in report["classes"]]
size = CELL * len(names)
mistakes = [n for i, row in enumerate(report["confusion"]) for j, n in enumerate(row) if i != j]
worst = max(mistakes + [1])
title = f"{report['dataset']}, {report['samples']} {report['split']} images: {100 * report['accuracy']:.2f} % right"

out = [
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + size + 20}" height="{TOP + size + 40}"'
    ' font-family="sans-serif" font-size="12" text-anchor="middle">',
    '<rect width="100%" height="100%" fill="white"/>',
    f'<text x="{LEFT + size / 2}" y="20" font-size="14">{title}</text>',
    f'<text x="{LEFT + size / 2}" y="42">named</text>',
    f'<text x="22" y="{TOP + size / 2}" transform="rotate(-90 22 {TOP + size / 2})">is</text>',
]
for i, row in enumerate(report["confusion"]):
    middle = CELL * i + CELL / 2
    out.append(f'<text x="{LEFT + middle}" y="{TOP - 6}">{names[i]}</text>')
    out.append(f'<text x="{LEFT - 16}" y="{TOP + middle + 4}">{names[i]}</text>')
    for j, n in enumerate(row):
        # Right answers in grey; mistakes in red, the more the darker.
        fill = "#e8eef4" if i == j else f"rgb(255,{255 - 150 * n // worst},{255 - 150 * n // worst})"
        x, y = LEFT + CELL * j, TOP + CELL * i
        out.append(f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="white"/>')
        if n:
            out.append(f'<text x="{x + CELL / 2}" y="{y + CELL / 2 + 4}">{n}</text>')
out.append("</svg>")
print("\n".join(out))
