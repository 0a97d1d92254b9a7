"use strict";

/** An answer, and how it came about. */
const AnswerView = (() => {
  const { element, percent, number } = Chart;
  const largest = (values) => values.indexOf(Math.max(...values));

  function softmax(logits) {
    const most = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - most));
    const sum = powers.reduce((all, power) => all + power, 0);
    return powers.map((power) => power / sum);
  }

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

  /** The answer to so many first steps, and to so many last ones, for each number of steps. */
  function forming(about, { prediction, forming: { steps, first, last } }) {
    const { step, first: fromFirst, last: fromLast } = words(about);
    const all = steps[steps.length - 1];
    const classes = prediction.probabilities;
    const followed = classes ? largest(classes) : 0;
    const of = (rows) => rows.map((row) => row?.[followed]);
    const points = (rows, place) => of(rows).flatMap((value, at) => (value === undefined ? [] : [[place(steps[at]), value]]));
    const begin = points(first, (count) => count);
    const end = points(last, (count) => all - count + 1);
    const name = classes ? `probability of ${prediction.class}` : about.targets[0];
    const numbers = [...begin, ...end].map(([, value]) => value);
    const chart = Chart.lines(
      [{ name: `given the ${step}s ${fromFirst} to here`, kind: "forward", points: begin },
        { name: `given the ${step}s from here to the ${about.reads === "images" ? "bottom" : "end"}`, kind: "reverse", points: end }],
      {
        range: [1, all], x: step, told: `${name}, ${step} by ${step}, from both sides; the text below says the same`,
        ...(classes ? Chart.PROBABILITY : { values: [Math.min(...numbers), Math.max(...numbers)] }),
      });
    const parts = [element("h3", {}, name[0].toUpperCase() + name.slice(1)), chart];
    if (classes && begin.length === steps.length) {
      const ahead = (rows) => rows.reduceRight((from, row, at) => (largest(row) === followed && from === at + 1 ? at : from), rows.length);
      const [up, down] = [first, last].map((rows) => steps[Math.min(ahead(rows), steps.length - 1)]);
      const count = (many) => `${many} ${step}${many === 1 ? "" : "s"}`;
      parts.push(element("p", {},
        `Read ${fromFirst}, the answer is ${prediction.class} from ${count(up)} of ${all} on; read ${fromLast}, from ${count(down)} on.`));
    }
    return parts;
  }

  /** What either direction would say by itself. */
  function alone(about, { directions, prediction }) {
    if (!directions || !prediction.probabilities) return [];
    const { forward, reverse } = words(about);
    const say = (half) => {
      const shares = softmax(directions[half][0].map((value, at) => value + directions.bias[at]));
      const found = largest(shares);
      return [about.classes[found], shares[found]];
    };
    const rows = [["forward", forward], ["reverse", reverse]].map(([half, way]) => {
      const [found, share] = say(half);
      return element("tr", { id: `alone-${half}` },
        element("th", { scope: "row" }, `${half}, ${way}`), element("td", {}, found), element("td", {}, percent(share)));
    });
    const head = element("thead", {}, element("tr", {},
      ...["direction", "would say", "probability"].map((name) => element("th", { scope: "col" }, name))));
    return [
      element("h3", {}, "Each direction alone"),
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
      const sure = Math.min(...probability.slice(begin, end));
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
    const rows = tokens.map((token, at) => {
      const found = classes.indexOf(tags[at]);
      const adds = directions ? ["forward", "reverse"].map((half) => number(directions[half][at][found])) : [];
      const cells = [tags[at], percent(probability[at]), ...adds].map((text) => element("td", {}, text));
      return element("tr", {}, element("th", { scope: "row" }, token), ...cells);
    });
    const head = element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name))));
    return element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Token by token" },
      element("table", {}, head, element("tbody", {}, ...rows)));
  }

  /** Series, step by step: the probability of each class, or each number. */
  function stepped(about, { prediction }) {
    const rows = prediction.probabilities ?? prediction.values;
    const names = prediction.probabilities ? about.classes : about.targets;
    const all = names.map((name, at) => ({ name, kind: `feature${at % 8}`, points: rows.map((row, step) => [step + 1, row[at]]) }));
    const flat = rows.flat();
    const chart = Chart.lines(all.slice(0, 8), {
      range: [1, rows.length], x: "step", told: `Step by step: ${names.slice(0, 8).join(", ")}`,
      ...(prediction.probabilities ? Chart.PROBABILITY : { values: [Math.min(...flat), Math.max(...flat)] }),
    });
    const runs = [];
    (prediction.tags ?? []).forEach((tag, at) => {
      const open = runs[runs.length - 1];
      if (open?.tag === tag) open.end = at + 1;
      else runs.push({ tag, begin: at + 1, end: at + 1 });
    });
    const list = runs.slice(0, 100).map(({ tag, begin, end }) =>
      element("li", {}, begin === end ? `step ${begin}: ${tag}` : `steps ${begin} to ${end}: ${tag}`));
    const more = runs.length > 100 ? [element("li", {}, `and ${runs.length - 100} more`)] : [];
    return [chart, ...(runs.length ? [element("ol", { class: "runs" }, ...list, ...more)] : [])];
  }

  /** What each direction adds to the logit of the answer at each step, or to that of the first number. */
  function added(about, { prediction, directions }) {
    if (!directions) return [];
    const found = (step) => (prediction.tags ? about.classes.indexOf(prediction.tags[step]) : 0);
    const of = (half) => directions[half].map((row, step) => [step + 1, row[found(step)]]);
    const all = [["forward", of("forward")], ["reverse", of("reverse")]];
    const flat = all.flatMap(([, points]) => points.map(([, value]) => value));
    const what = prediction.tags ? "the class that is answered" : about.targets[0];
    return [
      element("h3", {}, `What each direction adds to ${what}`),
      Chart.lines(all.map(([kind, points]) => ({ name: `${kind}, ${words(about)[kind]}`, kind, points })), {
        range: [1, directions.forward.length], values: [Math.min(0, ...flat), Math.max(0, ...flat)], x: "step",
        told: `What each direction adds to ${what}, step by step`,
      }),
    ];
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
    how.replaceChildren(...(explanation.forming ? forming(about, explanation) : []), ...alone(about, explanation));
  }

  return { show, told };
})();
