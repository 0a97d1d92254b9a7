"""Draws the picture of docs/guide/distributed.md: what an exchange takes by the model, and as measured.

    python3 docs/scaling.py > docs/scaling.svg

The measurements are those of the page's table: a step less a step on links without a limit.
"""
from math import log10

BYTES = 4 * 559_626  # of the gradient of bilstm.toml
RATES = [("100 Mbit/s", 1e8, 50e-6), ("1 Gbit/s", 1e9, 50e-6), ("10 Gbit/s", 1e10, 30e-6)]
MEASURED = [(2, 345 - 57), (2, 84 - 57), (3, 91 - 75.5)]  # hosts, milliseconds
LEFT, TOP, WIDTH, HEIGHT, MOST = 60, 20, 420, 260, 16


def exchange(hosts, rate, message):
    """Milliseconds by the model: 2 (R - 1) messages, and 2 (R - 1) / R of the gradient through a link."""
    return 1e3 * (2 * (hosts - 1) * message + 2 * (hosts - 1) / hosts * 8 * BYTES / rate)


def at(hosts, ms):
    return LEFT + (hosts - 1) * WIDTH / (MOST - 1), TOP + HEIGHT * (3 - log10(ms)) / 3


out = [
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{TOP + HEIGHT + 50}"'
    ' font-family="sans-serif" font-size="12">',
    '<rect width="100%" height="100%" fill="white"/>',
    f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 40}" text-anchor="middle">hosts</text>',
    f'<text x="16" y="{TOP + HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {TOP + HEIGHT / 2})">'
    "exchange in ms per step</text>",
]
for ms in (1, 10, 100, 1000):
    x, y = at(1, ms)
    out.append(f'<path d="M{x} {y:.1f}h{WIDTH}" stroke="#ddd"/>')
    out.append(f'<text x="{x - 6}" y="{y + 4:.1f}" text-anchor="end">{ms}</text>')
for hosts in (2, 3, 4, 8, 16):
    out.append(f'<text x="{at(hosts, 1)[0]:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{hosts}</text>')
for name, rate, message in RATES:
    points = [at(hosts, exchange(hosts, rate, message)) for hosts in range(2, MOST + 1)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    out.append(f'<polyline points="{line}" fill="none" stroke="#36c"/>')
    out.append(f'<text x="{points[-1][0] + 6:.1f}" y="{points[-1][1] + 4:.1f}">{name}</text>')
for hosts, ms in MEASURED:
    x, y = at(hosts, ms)
    out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#c33"/>')
out.append("</svg>")
print("\n".join(out))
