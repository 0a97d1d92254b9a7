"""The table: one row for each check, printed as it comes and written in the end."""

import json
import time

OK, FAILED, SKIPPED = "ok", "FAILED", "skipped"


class Table:
    def __init__(self):
        self.rows = []
        # What the figures depend on: names and versions, in the order in which they became known.
        self.about = {}
        # Why the checks ended early, if they did.
        self.missing = None
        self.begin = time.monotonic()

    def note(self, name, value):
        """Something that figures depend on."""
        self.about[name] = value
        print(f"{name}: {value}", flush=True)

    def add(self, check, result, figure):
        """A row: what was looked at, ok, FAILED or skipped, and what was found."""
        self.rows.append({"check": check, "result": result, "figure": figure})
        print(f"{result:8}{check}: {figure}", flush=True)

    def judge(self, check, right, figure):
        self.add(check, OK if right else FAILED, figure)

    def failed(self):
        return any(row["result"] == FAILED for row in self.rows)

    def lines(self):
        """As Markdown, which is readable as it stands."""
        results = [row["result"] for row in self.rows]
        count = {result: results.count(result) for result in [OK, FAILED, SKIPPED]}
        seconds = time.monotonic() - self.begin
        yield "# birnn on this machine\n"
        yield from (f"- {name}: {value}" for name, value in self.about.items())
        yield f"- {count[OK]} ok, {count[FAILED]} failed, {count[SKIPPED]} skipped, in {seconds:.0f} s"
        if self.missing:
            yield f"- ended early: {self.missing}"
        columns = ["check", "result", "figure"]
        cells = [[row[column].replace("|", "\\|") for column in columns] for row in self.rows]
        widths = [max(len(row[n]) for row in [*cells, columns]) for n in range(2)] + [0]
        yield ""
        for row in [columns, ["-" * width for width in widths[:2]] + ["------"], *cells]:
            yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"

    def write(self, folder):
        text = "\n".join(self.lines()) + "\n"
        print("\n" + text, flush=True)
        (folder / "table.md").write_text(text)
        record = {"about": self.about, "missing": self.missing, "rows": self.rows}
        (folder / "table.json").write_text(json.dumps(record, indent=2) + "\n")
        print(f"written to {folder}/table.md and table.json", flush=True)
