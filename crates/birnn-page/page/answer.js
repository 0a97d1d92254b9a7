"use strict";

/** An answer, and how it came about. */
const AnswerView = (() => {
  const { element, percent, number } = Chart;
  const { largest, softmax } = Numbers;
  /** More lines, more rows of a table, and more charts one below the other nobody looks at. */
  const [MOST_LINES, MOST_ROWS, MOST_CHARTS] = [8, 500, 4];

  /** What the steps and the ways through them are called. */
  function words(about) {
    const of = {
      images: { step: "row", forward: "from above", reverse: "from below", first: "from the top", last: "from the bottom" },
      series: { step: "step", forward: "from the beginning", reverse: "from the end", first: "from the beginning", last: "from the end" },
      sentences: { step: "token", forward: "from the beginning", reverse: "from the end", first: "from the beginning", last: "from the end" },
    };
    return of[about.reads];
  }

  /** What an answer says, in a sentence. */
  function told(about, prediction) {
    if (prediction.class !== undefined) return `${prediction.class}, ${percent(prediction.probability)}`;
    if (prediction.tags) return `${prediction.tags.length} ${words(about).step}s, each with a class`;
    const values = about.per_step ? prediction.values[prediction.values.length - 1] : prediction.values;
    const all = values.map((value, at) => `${about.targets[at]} ${number(value)}`).join(", ");
    return about.per_step ? `at the last step: ${all}` : all;
  }

  function headline(about, { class: found, probability, values }) {
    if (found !== undefined) {
      return element("p", { class: "headline", id: "found" }, element("strong", { id: "class" }, found), ` ${percent(probability)}`);
    }
    const rows = values.map((value, at) =>
      element("tr", {}, element("th", { scope: "row" }, about.targets[at]), element("td", {}, number(value))));
    return element("table", { class: "numbers" }, element("tbody", {}, ...rows));
  }

  /** Of many numbers those that are followed, and what is said of the others. */
  function followed(about, chart) {
    const all = about.targets.slice(0, MOST_CHARTS).flatMap(chart);
    const others = about.targets.length - MOST_CHARTS;
    return others > 0 ? [...all, element("p", { class: "hint" }, `and ${others} more numbers, which are not drawn`)] : all;
  }

  /** How what is answered, or each number of it, comes about: what the first steps alone give, and the last. */
  function forming(about, { prediction, forming: formed }) {
    const classes = prediction.probabilities;
    if (!classes) return followed(about, (name, at) => [...curves(about, formed, at, name), halfWay(about, formed, at)]);
    const found = largest(classes);
    return [
      ...curves(about, formed, found, `probability of ${prediction.class}`, Chart.PROBABILITY),
      fromWhere(about, formed, found),
    ];
  }

  /** One of the values that are given for so many first steps, and for so many last ones. */
  function curves(about, { steps, first, last }, at, name, axis) {
    const { step, first: fromFirst } = words(about);
    const all = steps[steps.length - 1];
    const points = (rows, place) => rows.map((row, index) => [place(steps[index]), row[at]]);
    const chart = Chart.lines(
      [{ name: `given the ${step}s ${fromFirst} to here`, kind: "forward", points: points(first, (count) => count) },
        {
          name: `given the ${step}s from here to the ${about.reads === "images" ? "bottom" : "end"}`,
          kind: "reverse",
          points: points(last, (count) => all - count + 1),
        }],
      { range: [1, all], x: step, told: `${name}, ${step} by ${step}, read from both sides`, ...axis });
    return [element("h3", {}, name[0].toUpperCase() + name.slice(1)), chart];
  }

  const count = (about, many) => `${many} ${words(about).step}${many === 1 ? "" : "s"}`;

  /** From where on the class that is found stays the most probable. */
  function fromWhere(about, { steps, first, last }, found) {
    const { first: fromFirst, last: fromLast } = words(about);
    const ahead = (rows) => steps[rows.reduceRight((from, row, at) => (largest(row) === found && from === at + 1 ? at : from), rows.length)];
    return element("p", {},
      `Read ${fromFirst}, the answer is ${about.classes[found]} from ${count(about, ahead(first))} of ${steps[steps.length - 1]} on; read ${fromLast}, from ${count(about, ahead(last))} on.`);
  }

  /** What half of the steps give of a number. */
  function halfWay(about, { steps, first, last }, at) {
    const { first: fromFirst, last: fromLast } = words(about);
    const half = steps.length >> 1;
    const given = (rows) => number(rows[half][at]);
    return element("p", {},
      `Given ${count(about, steps[half])} of ${steps[steps.length - 1]} ${fromFirst} it would be ${given(first)}, and given as many ${fromLast} ${given(last)}.`);
  }

  /** What either direction would say without the other. */
  function withoutTheOther(about, { directions, prediction }) {
    if (!directions || !prediction.probabilities) return [];
    const { forward, reverse } = words(about);
    const say = (half) => {
      const shares = softmax(directions[half][0].map((value, at) => value + directions.bias[at]));
      const found = largest(shares);
      return [about.classes[found], shares[found]];
    };
    const rows = [["forward", forward], ["reverse", reverse]].map(([half, way]) => {
      const [found, share] = say(half);
      return element("tr", {},
        element("th", { scope: "row" }, `${half}, ${way}`), element("td", {}, found), element("td", {}, percent(share)));
    });
    const head = element("thead", {}, element("tr", {},
      ...["direction", "would say", "probability"].map((name) => element("th", { scope: "col" }, name))));
    return [
      element("h3", {}, "Each direction without the other"),
      element("table", {}, head, element("tbody", {}, ...rows)),
      element("p", { class: "hint" }, "What the last layer makes of that direction's state, with zeros in place of the other's."),
    ];
  }

  /** Spans that tags mark, in all schemes: `[begin, end, type]`. */
  function spans(tags) {
    const found = [];
    tags.forEach((tag, at) => {
      const [, prefix, kind] = /^([BIESMLU])-(.*)$/.exec(tag) ?? [null, "O", null];
      const open = found[found.length - 1];
      if (kind === null) return;
      const goesOn = open && open.end === at && open.kind === kind && !open.closed && !"BSU".includes(prefix);
      if (goesOn) open.end = at + 1;
      else found.push({ begin: at, end: at + 1, kind, closed: false });
      found[found.length - 1].closed = "ESLU".includes(prefix);
    });
    return found;
  }

  const hue = (kind, classes) => `kind${classes.indexOf(kind) % 8}`;

  /** A sentence with its spans marked; of tags that mark none each token with its own. */
  function marked(about, { tags, probability }, tokens) {
    const kinds = [...new Set(about.classes.map((name) => name.replace(/^[BIESMLU]-/, "")))];
    const all = about.marks_spans
      ? spans(tags)
      : tags.map((kind, at) => ({ begin: at, end: at + 1, kind }));
    const parts = [];
    let next = 0;
    const plain = (to) => {
      if (to > next) parts.push(`${tokens.slice(next, to).join(" ")} `);
      next = to;
    };
    all.forEach(({ begin, end, kind }) => {
      plain(begin);
      const sure = Numbers.least(probability.slice(begin, end));
      parts.push(
        element("mark", { class: hue(kind, kinds), title: `${kind}, ${percent(sure)}` }, tokens.slice(begin, end).join(" "),
          element("span", { class: "kind" }, `${kind} ${percent(sure)}`)), " ");
      next = end;
    });
    plain(tokens.length);
    return element("p", { class: "sentence", id: "marked" }, ...parts);
  }

  /** Each token with its tag, and what each direction adds to it. */
  function tokensTable({ prediction: { tags, probability }, directions }, tokens, classes) {
    const names = ["token", "tag", "probability", ...(directions ? ["forward adds", "reverse adds"] : [])];
    const rows = tokens.slice(0, MOST_ROWS).map((token, at) => {
      const found = classes.indexOf(tags[at]);
      const adds = directions ? ["forward", "reverse"].map((half) => number(directions[half][at][found])) : [];
      const cells = [tags[at], percent(probability[at]), ...adds].map((text) => element("td", {}, text));
      return element("tr", {}, element("th", { scope: "row" }, token), ...cells);
    });
    const head = element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name))));
    return element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Token by token" },
      element("table", {}, head, element("tbody", {}, ...rows)),
      ...(tokens.length > MOST_ROWS ? [element("p", {}, `and ${tokens.length - MOST_ROWS} more`)] : []));
  }

  /** Series, step by step: the probability of each class, or each number; of many classes those that lead. */
  function stepped(about, { prediction }) {
    const rows = prediction.probabilities ?? prediction.values;
    const names = prediction.probabilities ? about.classes : about.targets;
    const weight = (at) => (prediction.probabilities ? rows.reduce((sum, row) => sum + row[at], 0) : -at);
    const drawn = names.map((name, at) => ({ name, at, weight: weight(at) }))
      .sort((one, other) => other.weight - one.weight).slice(0, MOST_LINES).sort((one, other) => one.at - other.at);
    const all = drawn.map(({ name, at }, index) => ({ name, kind: `feature${index}`, points: rows.map((row, step) => [step + 1, row[at]]) }));
    const more = names.length > MOST_LINES ? `; ${MOST_LINES} of ${names.length} are drawn` : "";
    const chart = Chart.lines(all, {
      range: [1, rows.length], x: `step${more}`, told: `Step by step: ${drawn.map(({ name }) => name).join(", ")}${more}`,
      ...(prediction.probabilities && Chart.PROBABILITY),
    });
    const runs = [];
    (prediction.tags ?? []).forEach((tag, at) => {
      const open = runs[runs.length - 1];
      if (open?.tag === tag) open.end = at + 1;
      else runs.push({ tag, begin: at + 1, end: at + 1 });
    });
    const list = runs.slice(0, 100).map(({ tag, begin, end }) =>
      element("li", {}, begin === end ? `step ${begin}: ${tag}` : `steps ${begin} to ${end}: ${tag}`));
    const others = runs.length > 100 ? [element("li", {}, `and ${runs.length - 100} more`)] : [];
    return [chart, ...(runs.length ? [element("ol", { class: "runs", tabindex: "0", "aria-label": "The classes of the steps" }, ...list, ...others)] : [])];
  }

  /** What each direction adds at each step to the logit of the answer, or to each number. */
  function added(about, { prediction, directions }) {
    if (!directions) return [];
    const chart = (what, column) => {
      const of = (half) => directions[half].map((row, step) => [step + 1, row[column(step)]]);
      const lines = ["forward", "reverse"].map((kind) => ({ name: `${kind}, ${words(about)[kind]}`, kind, points: of(kind) }));
      return [
        element("h3", {}, `What each direction adds to ${what}`),
        Chart.lines(lines, {
          range: [1, directions.forward.length], x: "step", told: `What each direction adds to ${what}, step by step`,
        }),
      ];
    };
    const { tags } = prediction;
    if (tags) return chart("the class that is answered", (step) => about.classes.indexOf(tags[step]));
    return followed(about, (name, at) => chart(name, () => at));
  }

  /** Shows `explanation` of `sample`: the answer in `answer`, how it came about in `how`. */
  function show(about, explanation, sample, answer, how) {
    const { prediction } = explanation;
    if (about.per_step) {
      const isText = about.reads === "sentences";
      answer.replaceChildren(...(isText ? [marked(about, prediction, sample.tokens)] : stepped(about, explanation)));
      how.replaceChildren(
        ...(isText ? [tokensTable(explanation, sample.tokens, about.classes)] : added(about, explanation)));
      return;
    }
    const bars = prediction.probabilities ? [Chart.bars(about.classes, prediction.probabilities)] : [];
    answer.replaceChildren(headline(about, prediction), ...bars);
    how.replaceChildren(...(explanation.forming ? forming(about, explanation) : []), ...withoutTheOther(about, explanation));
  }

  return { show, told };
})();
