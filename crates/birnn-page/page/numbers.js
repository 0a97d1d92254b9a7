"use strict";

/** What is made of rows of numbers, however long they are. */
const Numbers = (() => {
  const most = (values) => values.reduce((all, value) => Math.max(all, value), -Infinity);

  /** The first of the largest. */
  const largest = (values) => values.indexOf(most(values));

  const least = (values) => values.reduce((all, value) => Math.min(all, value), Infinity);

  function softmax(logits) {
    const top = most(logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - top));
    const sum = powers.reduce((all, power) => all + power, 0);
    return powers.map((power) => power / sum);
  }

  /** Of how many lengths of parts of a sequence an answer is shown as it forms: as the server has it. */
  const stops = (all) => Math.min(64, Math.max(2, Math.floor(100000 / all)));

  /** More steps are not explained, by a server either. */
  const MOST_STEPS = 10000;

  return { largest, least, most, softmax, stops, MOST_STEPS };
})();
