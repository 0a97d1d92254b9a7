"use strict";

/** Elements of the page, and what is drawn of answers. */
const Chart = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  /** An element with attributes and children; text is never read as markup. */
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    return filled(made, attributes, children);
  }

  function svg(name, attributes = {}, ...children) {
    return filled(document.createElementNS(SVG, name), attributes, children);
  }

  function filled(made, attributes, children) {
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...children);
    return made;
  }

  /** Of what is nearly sure it is not said that it were. */
  const percent = (share) => {
    if (share > 0.999 && share < 1) return "> 99.9 %";
    if (share > 0 && share < 0.001) return "< 0.1 %";
    return `${(100 * share).toFixed(share === 0 || share === 1 ? 0 : 1)} %`;
  };

  /** Where the axis of a probability is marked. */
  const PROBABILITY = { values: [0, 1], ticks: [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]] };

  const number = (value) => Number(value.toPrecision(4)).toString();

  /** A bar for each class, in their order; of many those that are most probable. */
  function bars(classes, probabilities, most = 20) {
    const largest = Numbers.most(probabilities);
    let all = classes.map((name, at) => ({ name, share: probabilities[at] }));
    if (all.length > most) all = all.sort((one, other) => other.share - one.share).slice(0, most);
    const rows = all.map(({ name, share }) => {
      const row = element("tr", share === largest ? { class: "first" } : {});
      const bar = svg("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
        svg("rect", { width: 100 * share, height: 10 }));
      row.append(element("th", { scope: "row" }, name), element("td", { class: "drawn" }, bar), element("td", {}, percent(share)));
      return row;
    });
    const head = element("thead", { class: "told" },
      element("tr", {}, ...["class", "bar", "probability"].map((name) => element("th", { scope: "col" }, name))));
    return element("table", { class: "bars" }, head, element("tbody", {}, ...rows));
  }

  /** Values beside an axis, in as few digits as tell them from each other, if so many have room. */
  function marked(values) {
    const short = (value, digits) => {
      const text = Number(value.toPrecision(digits)).toString();
      return text.length > 6 ? value.toExponential(digits - 1).replace("e+", "e") : text;
    };
    const texts = (digits) => values.map((value) => short(value, digits));
    const digits = [2, 3, 4].find((count) => new Set(texts(count)).size === values.length) ?? 2;
    return texts(digits).map((text, at) => [values[at], text]);
  }

  const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [560, 260, 84, 48, 12, 12];

  /** At most so many points of a line are drawn. */
  const MOST_POINTS = 1000;

  /**
   * Lines over steps: `lines [{ name, kind, points: [[x, y]] }]`, `x` from `range[0]` to `range[1]` and `y` from `values[0]`
   * to `values[1]`, or as far as points go. What it shows is said by `told`, for those who do not see it.
   */
  function lines(lines, { range, values, x, told, ticks }) {
    const heights = lines.map(({ points }) => points.map(([, value]) => value));
    const [least, most] = values ?? [Numbers.least(heights.map(Numbers.least)), Numbers.most(heights.map(Numbers.most))];
    const across = (value) => LEFT + ((value - range[0]) / Math.max(range[1] - range[0], 1e-9)) * (WIDTH - LEFT - RIGHT);
    const up = (value) => TOP + (1 - (value - least) / Math.max(most - least, 1e-9)) * (HEIGHT - TOP - BOTTOM);
    const chart = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": told });
    const marks = ticks ?? marked([least, (least + most) / 2, most]);
    marks.forEach(([value, text]) => {
      chart.append(
        svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: up(value), y2: up(value) }),
        svg("text", { x: LEFT - 6, y: up(value) + 4, "text-anchor": "end" }, text));
    });
    [[range[0], "start"], [range[1], "end"]].forEach(([value, anchor]) =>
      chart.append(svg("text", { x: across(value), y: HEIGHT - BOTTOM + 20, "text-anchor": anchor }, number(value))));
    chart.append(svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, x));
    lines.forEach(({ kind, points }) => {
      const every = Math.ceil(points.length / MOST_POINTS);
      const drawn = points.filter((_, at) => at % every === 0 || at === points.length - 1);
      const path = drawn.map(([at, value]) => `${across(at).toFixed(1)},${up(value).toFixed(1)}`).join(" ");
      chart.append(svg("polyline", { class: `line ${kind}`, points: path }));
    });
    const key = (kind) => svg("svg", { class: "key", viewBox: "0 0 28 8", "aria-hidden": "true" },
      svg("line", { class: `line ${kind}`, x1: 0, x2: 28, y1: 4, y2: 4 }));
    const legend = element("ul", { class: "legend" },
      ...lines.filter(({ name }) => name).map(({ name, kind }) => element("li", {}, key(kind), name)));
    return element("div", {}, chart, legend);
  }

  return { PROBABILITY, element, svg, percent, number, bars, lines };
})();
