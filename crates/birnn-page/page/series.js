"use strict";

/** Where one pastes or drops a table of numbers: its rows are steps, its columns features. */
const SeriesInput = (() => {
  const { element } = Chart;
  // As birnn-data's tables have it; `nan` in any case.
  const MISSING = new Set(["", "?", "NA", "N/A", "#N/A", "<NA>", "null", "NULL", "None"]);
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const MOST_DRAWN = 8;

  const isMissing = (cell) => MISSING.has(cell) || cell.toLowerCase() === "nan";
  const isNumber = (cell) => isMissing(cell) || NUMBER.test(cell);

  /** The cells of a line, parted by `mark` where it does not stand in quotes; by white space where there is none. */
  function cellsOf(line, mark) {
    if (!mark) return line.trim().split(/\s+/);
    const found = [""];
    let isQuoted = false;
    for (const letter of line) {
      if (letter === '"') isQuoted = !isQuoted;
      else if (letter === mark && !isQuoted) found.push("");
      else found[found.length - 1] += letter;
    }
    return found.map((cell) => cell.trim());
  }

  /** Which columns are the features, and whether the first line names them. */
  function columnsOf(first, { features, values_per_step: width }) {
    const byPlace = Array.from({ length: width }, (_, at) => at);
    const wanted = features ? ` (${features.join(", ")})` : "";
    if (features && features.every((name) => first.includes(name))) {
      const twice = features.find((name) => first.indexOf(name) !== first.lastIndexOf(name));
      if (twice) throw new Error(`the first line names \`${twice}\` twice`);
      return { columns: features.map((name) => first.indexOf(name)), hasNames: true };
    }
    const hasNames = !first.some(isNumber);
    if (features && hasNames) {
      const absent = features.filter((name) => !first.includes(name));
      throw new Error(`the first line has no column \`${absent.join("`, `")}\`; it names ${first.join(", ")}`);
    }
    if (first.length !== width) {
      throw new Error(`the first line has ${first.length} cells, and the network reads ${width} values at each step${wanted}`);
    }
    return { columns: byPlace, hasNames };
  }

  /** The steps of a text, as the network reads them; null where there is none. What cannot be is an error that says so. */
  function parse(text, about) {
    if (text.trim() === "") return null;
    const lines = text.replace(/[\r\n]+$/, "").split(/\r\n|\n|\r/);
    const bare = lines[0].replace(/"[^"]*"/g, "");
    const mark = ["\t", ";", ","].find((one) => bare.includes(one));
    const first = cellsOf(lines[0], mark);
    const { columns, hasNames } = columnsOf(first, about);
    // Of one value, an empty line is one that is missing.
    const rows = lines.slice(hasNames ? 1 : 0).filter((line) => line !== "" || about.values_per_step === 1);
    if (rows.length === 0) throw new Error("there are names of columns, and no row of numbers");
    if (rows.length > Numbers.MOST_STEPS) throw new Error(`${rows.length} steps, and a page shows ${Numbers.MOST_STEPS}`);
    return rows.map((line, at) => {
      const row = cellsOf(line, mark);
      if (row.length !== first.length) throw new Error(`row ${at + 1} has ${row.length} cells, and the first line ${first.length}`);
      return columns.map((column) => {
        if (isMissing(row[column])) return null;
        if (NUMBER.test(row[column])) {
          const value = Number(row[column]);
          if (Number.isFinite(Math.fround(value))) return value;
          throw new Error(`row ${at + 1}: \`${row[column]}\` is too large for a number of 32 bits`);
        }
        const hint = /^\d+,\d+$/.test(row[column]) ? "; a decimal comma is written as a point" : "";
        throw new Error(`row ${at + 1}: \`${row[column]}\` is no number${hint}`);
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
      // Some ways of putting text in tell of it line by line.
      this.text.addEventListener("input", () => {
        clearTimeout(this.soon);
        this.soon = setTimeout(() => this.read(), 0);
      });
      this.file.addEventListener("change", () => this.open(this.file.files[0]));
      // Text that is dropped the browser puts in by itself.
      const hasFiles = (event) => event.dataTransfer.types.includes("Files");
      this.element.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
      this.element.addEventListener("drop", (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        this.open(event.dataTransfer.files[0]);
      });
      this.read();
    }

    remove() {
      clearTimeout(this.soon);
      this.element.remove();
    }

    async open(file) {
      if (!file) return;
      this.text.value = await file.text();
      // The same file is read anew where it has changed.
      this.file.value = "";
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
      const names = features ?? Array.from({ length: width }, (_, at) => `value ${at + 1}`);
      const all = names.slice(0, MOST_DRAWN).map((name, feature) => ({
        name,
        kind: `feature${feature}`,
        points: steps.flatMap((step, at) => (step[feature] === null ? [] : [[at + 1, step[feature]]])),
      }));
      const more = width > MOST_DRAWN ? `; ${MOST_DRAWN} of ${width} are drawn` : "";
      return Chart.lines(all.filter(({ points }) => points.length), {
        range: [1, steps.length], x: `step${more}`, told: `${steps.length} steps of ${width} values, drawn as lines${more}`,
      });
    }
  };
})();
