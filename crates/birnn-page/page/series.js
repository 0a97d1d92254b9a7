"use strict";

/** Where one pastes or drops a table of numbers: its rows are steps, its columns features. */
const SeriesInput = (() => {
  const { element } = Chart;
  const MISSING = new Set(["", "na", "nan", "null", "?", "none", "n/a"]);
  const MOST_DRAWN = 2000;

  /** The rows of a text; cells by comma, semicolon, tab or spaces, whichever the first line has. */
  function cells(text) {
    const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== "");
    const first = lines[0] ?? "";
    const mark = ["\t", ";", ","].find((one) => first.includes(one));
    return lines.map((line) => (mark ? line.split(mark) : line.trim().split(/\s+/)).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")));
  }

  const isNumber = (cell) => MISSING.has(cell.toLowerCase()) || (cell !== "" && Number.isFinite(Number(cell)));

  /** The steps of a text, as the network reads them; what cannot be is an error that says so. */
  function parse(text, { features, values_per_step: width }) {
    let rows = cells(text);
    if (rows.length === 0) return null;
    let columns = Array.from({ length: width }, (_, at) => at);
    const head = rows[0];
    if (!head.every(isNumber)) {
      rows = rows.slice(1);
      if (features && features.every((name) => head.includes(name))) {
        columns = features.map((name) => head.indexOf(name));
      } else if (head.length !== width) {
        const wanted = features ? ` (${features.join(", ")})` : "";
        throw new Error(`the first line names ${head.length} columns, and the network reads ${width}${wanted}`);
      }
    } else if (head.length !== width) {
      throw new Error(`the first line has ${head.length} values, and the network reads ${width} at each step`);
    }
    if (rows.length === 0) throw new Error("there are names of columns, and no row of numbers");
    return rows.map((row, at) => {
      if (row.length !== head.length) throw new Error(`row ${at + 1} has ${row.length} cells, and the first line ${head.length}`);
      return columns.map((column) => {
        const cell = row[column];
        if (MISSING.has(cell.toLowerCase())) return null;
        const value = Number(cell);
        if (!Number.isFinite(value)) throw new Error(`row ${at + 1}: \`${cell}\` is no number`);
        return value;
      });
    });
  }

  return class SeriesInput {
    constructor(about, changed) {
      const { values_per_step: width, features } = about;
      Object.assign(this, { about, changed });
      const what = features ? `: ${features.join(", ")}` : "";
      this.text = element("textarea", { id: "series", rows: 8, spellcheck: "false", "aria-describedby": "series-how" });
      this.file = element("input", { type: "file", id: "file", accept: ".csv,.tsv,.txt,text/csv,text/plain" });
      this.problem = element("p", { class: "problem", role: "alert" });
      this.drawn = element("div");
      this.element = element("div", { class: "typing" },
        element("label", { for: "series" }, "Paste or drop a table"), this.text,
        element("p", { id: "series-how", class: "hint" },
          `A row for each step, with ${width} ${width === 1 ? "value" : "values"}${what}; a first line may name the columns, and an empty cell is a value that is missing.`),
        element("label", { for: "file" }, "Or open a file", this.file),
        this.problem, this.drawn);
      this.text.addEventListener("input", () => this.read());
      this.file.addEventListener("change", () => this.open(this.file.files[0]));
      this.element.addEventListener("dragover", (event) => event.preventDefault());
      this.element.addEventListener("drop", (event) => {
        event.preventDefault();
        this.open(event.dataTransfer.files[0]);
      });
      this.read();
    }

    remove() {
      this.element.remove();
    }

    async open(file) {
      if (!file) return;
      this.text.value = await file.text();
      this.read();
    }

    read() {
      this.problem.textContent = "";
      let steps = null;
      try {
        steps = parse(this.text.value, this.about);
      } catch (error) {
        this.problem.textContent = error.message;
      }
      this.drawn.replaceChildren(...(steps ? [this.chart(steps)] : []));
      this.changed(steps && { steps });
    }

    chart(steps) {
      const { values_per_step: width, features } = this.about;
      const every = Math.ceil(steps.length / MOST_DRAWN);
      const names = features ?? Array.from({ length: width }, (_, at) => `value ${at + 1}`);
      const all = names.map((name, feature) => ({
        name: width <= 8 ? name : null,
        kind: `feature${feature % 8}`,
        points: steps.flatMap((step, at) => (at % every || step[feature] === null ? [] : [[at + 1, step[feature]]])),
      }));
      const values = all.flatMap(({ points }) => points.map(([, value]) => value));
      const [least, most] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
      return Chart.lines(all.filter(({ points }) => points.length), {
        range: [1, steps.length], values: [least, most], x: "step", told: `${steps.length} steps of ${width} values, drawn as lines`,
      });
    }
  };
})();
