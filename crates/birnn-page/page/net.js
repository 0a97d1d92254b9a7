"use strict";

/** The forward pass of a network, for a page without a server: as birnn-infer's, in plain loops. */
const Net = (() => {
  const { largest, softmax } = Numbers;
  const GATES = { rnn_tanh: 1, rnn_relu: 1, gru: 3, lstm: 4 };
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  /** The 32-bit numbers, little-endian, that a text in base64 stands for. */
  function floats(base64) {
    const text = atob(base64);
    const view = new DataView(new ArrayBuffer(text.length));
    for (let at = 0; at < text.length; at++) view.setUint8(at, text.charCodeAt(at));
    const numbers = new Float32Array(text.length / 4);
    for (let at = 0; at < numbers.length; at++) numbers[at] = view.getFloat32(4 * at, true);
    return numbers;
  }

  /** `out = weight [out.length, width] * input[begin..] + bias`. */
  function affine(weight, bias, input, begin, width, out) {
    for (let row = 0, at = 0; row < out.length; row++) {
      let sum = bias[row];
      for (let column = 0; column < width; column++) sum += weight[at++] * input[begin + column];
      out[row] = sum;
    }
  }

  /** One direction of a layer over `input [steps, width]`: its outputs `[steps, hidden]`. */
  function direction(cell, own, input, steps, reverse) {
    const width = input.length / steps;
    const hidden = own.hh.length / own.biasHh.length;
    const outputs = new Float32Array(steps * hidden);
    const [x, r] = [0, 1].map(() => new Float64Array(GATES[cell] * hidden));
    const [h, c] = [0, 1].map(() => new Float64Array(hidden));
    for (let turn = 0; turn < steps; turn++) {
      const step = reverse ? steps - 1 - turn : turn;
      affine(own.ih, own.biasIh, input, step * width, width, x);
      affine(own.hh, own.biasHh, h, 0, hidden, r);
      for (let unit = 0; unit < hidden; unit++) {
        const [second, third, fourth] = [hidden + unit, 2 * hidden + unit, 3 * hidden + unit];
        if (cell === "lstm") {
          const [enter, forget] = [sigmoid(x[unit] + r[unit]), sigmoid(x[second] + r[second])];
          c[unit] = forget * c[unit] + enter * Math.tanh(x[third] + r[third]);
          h[unit] = sigmoid(x[fourth] + r[fourth]) * Math.tanh(c[unit]);
        } else if (cell === "gru") {
          const [reset, update] = [sigmoid(x[unit] + r[unit]), sigmoid(x[second] + r[second])];
          h[unit] = (1 - update) * Math.tanh(x[third] + reset * r[third]) + update * h[unit];
        } else if (cell === "rnn_relu") {
          h[unit] = Math.max(0, x[unit] + r[unit]);
        } else {
          h[unit] = Math.tanh(x[unit] + r[unit]);
        }
      }
      outputs.set(h, step * hidden);
    }
    return outputs;
  }

  /** `[steps, a]` and `[steps, b]` side by side, `[steps, a + b]`. */
  function beside(parts, steps) {
    const widths = parts.map((part) => part.length / steps);
    const width = widths.reduce((sum, own) => sum + own, 0);
    const joined = new Float32Array(steps * width);
    for (let step = 0; step < steps; step++) {
      let at = step * width;
      parts.forEach((part, index) => {
        joined.set(part.subarray(step * widths[index], (step + 1) * widths[index]), at);
        at += widths[index];
      });
    }
    return joined;
  }

  const logOfSum = (values) => {
    const largest = Math.max(...values);
    if (largest === -Infinity) return largest;
    return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  };

  /** Of what a conditional random field is given, `[steps][tags]`: the most probable tags, and each one's probability. */
  function randomField({ start, end, transitions }, emissions) {
    const tags = start.length;
    const all = Array.from({ length: tags }, (_, tag) => tag);
    const last = emissions.length - 1;
    const into = (scores, to) => all.map((from) => scores[from] + transitions[from * tags + to]);
    const first = all.map((tag) => start[tag] + emissions[0][tag]);
    const [best, from, ahead] = [[first], [], [first]];
    for (let step = 1; step <= last; step++) {
      const ways = all.map((tag) => into(best[step - 1], tag));
      from[step] = ways.map((way) => way.indexOf(Math.max(...way)));
      best[step] = all.map((tag) => ways[tag][from[step][tag]] + emissions[step][tag]);
      ahead[step] = all.map((tag) => logOfSum(into(ahead[step - 1], tag)) + emissions[step][tag]);
    }
    const behind = [];
    behind[last] = Array.from(end);
    for (let step = last - 1; step >= 0; step--) {
      const next = all.map((tag) => emissions[step + 1][tag] + behind[step + 1][tag]);
      behind[step] = all.map((tag) => logOfSum(all.map((to) => transitions[tag * tags + to] + next[to])));
    }
    const whole = logOfSum(all.map((tag) => ahead[last][tag] + end[tag]));
    const ends = all.map((tag) => best[last][tag] + end[tag]);
    const found = [];
    found[last] = ends.indexOf(Math.max(...ends));
    for (let step = last; step > 0; step--) found[step - 1] = from[step][found[step]];
    const marginals = ahead.map((row, step) => row.map((log, tag) => Math.exp(log + behind[step][tag] - whole)));
    return { found, marginals };
  }

  /** Fills gaps, `null` among `steps [steps][features]`, as the network was trained to. */
  function filled(steps, missing, mean) {
    const out = steps.map((step) => step.slice());
    if (missing === "refuse") return out;
    for (let feature = 0; feature < mean.length; feature++) {
      const known = steps.flatMap((step, at) => (step[feature] === null ? [] : [at]));
      let next = 0;
      for (let at = 0; at < steps.length; at++) {
        if (known[next] === at) next++;
        if (steps[at][feature] !== null) continue;
        const [before, after] = [known[next - 1], known[next]];
        const value = (step) => steps[step][feature];
        if (missing === "mean" || known.length === 0 || (missing === "past" && before === undefined)) {
          out[at][feature] = mean[feature];
        } else if (before === undefined) {
          out[at][feature] = value(after);
        } else if (after === undefined || missing !== "interpolate") {
          out[at][feature] = value(before);
        } else {
          const share = (at - before) / (after - before);
          out[at][feature] = value(before) + (value(after) - value(before)) * share;
        }
      }
    }
    return out;
  }

  return class Net {
    constructor({ about, architecture, reads, scale, legal, weights }) {
      Object.assign(this, { about, architecture, reads, scale });
      this.weights = new Map(Object.entries(weights).map(([name, base64]) => [name, floats(base64)]));
      if (reads.text) {
        const known = (all) => new Map(all.map((one, index) => [one, index + 1]));
        this.words = known(reads.text.words);
        // What stands for a hidden token says nothing where a text has it.
        this.words.delete("\ufffc");
        this.characters = known([...reads.text.characters]);
      }
      if (architecture.head === "crf") {
        const of = (name, allowed) =>
          this.weights.get(`crf.${name}`).map((score, at) => (allowed && !allowed[at] ? -Infinity : score));
        this.field = {
          start: of("start_transitions", legal?.start),
          end: of("end_transitions", legal?.end),
          transitions: of("transitions", legal?.transitions),
        };
      }
    }

    /** The parameters of a direction of a layer of a module. */
    own(module, layer, reverse) {
      const of = (name) => this.weights.get(`${module}.${name}_l${layer}${reverse ? "_reverse" : ""}`);
      return { ih: of("weight_ih"), hh: of("weight_hh"), biasIh: of("bias_ih"), biasHh: of("bias_hh") };
    }

    /** What the recurrent layers read of a sample, step by step: `[steps, inputs]`. */
    read(sample) {
      if (sample.pixels) return Float32Array.from(sample.pixels, (pixel) => pixel / 255);
      if (sample.tokens) return this.embedded(sample.tokens);
      const { missing, missing_mask: mask, mean, deviation } = this.reads.series;
      const given = sample.steps.map((step) => step.map((value) => (value === null ? null : Math.fround(value))));
      const rows = filled(given, missing, mean).map((step, at) => {
        const values = step.map((value, feature) => {
          const read = value !== null && (deviation ? (value - mean[feature]) / deviation[feature] : value);
          if (Number.isFinite(read)) return read;
          const place = `the value at step ${at + 1} of feature ${feature + 1}`;
          throw new Error(value === null
            ? `${place} is missing, and the network was trained to refuse such series: fill the gap`
            : `${place} is too large for an answer`);
        });
        return mask ? values.concat(given[at].map((value) => (value === null ? 1 : 0))) : values;
      });
      return Float32Array.from(rows.flat());
    }

    /** The vectors of tokens: each word's own and, behind it, what a small net makes of its characters. */
    embedded(tokens) {
      const { normal_form: form, lowercase, merge_digits: merge } = this.reads.text;
      const { embedding, cell } = this.architecture;
      const spelt = new Map();
      const rows = tokens.map((token) => {
        const spelling = form ? token.normalize(form.toUpperCase()) : token;
        let word = lowercase ? spelling.toLowerCase() : spelling;
        if (merge) word = word.replace(/[0-9]/g, "0");
        const row = this.words.get(word) ?? 0;
        const own = this.weights.get("embedding.weight").subarray(row * embedding.width, (row + 1) * embedding.width);
        if (!embedding.characters) return Array.from(own);
        if (!spelt.has(spelling)) spelt.set(spelling, this.spelt(cell, embedding.characters.width, spelling));
        return [...own, ...spelt.get(spelling)];
      });
      return Float32Array.from(rows.flat());
    }

    spelt(cell, width, spelling) {
      const table = this.weights.get("char_embedding.weight");
      const letters = [...spelling].map((letter) => this.characters.get(letter) ?? 0);
      const input = Float32Array.from(letters.flatMap((row) => [...table.subarray(row * width, (row + 1) * width)]));
      const module = `char_${this.architecture.module}`;
      const of = (reverse) => direction(cell, this.own(module, 0, reverse), input, letters.length, reverse);
      const [ahead, back] = [of(false), of(true)];
      return [...ahead.subarray(ahead.length - back.length / letters.length), ...back.subarray(0, back.length / letters.length)];
    }

    /** What the head sees of `input [steps, inputs]`: a row for the sequence, or one for each step. */
    seen(input, steps) {
      const { cell, layers, forward, reverse, readout, module } = this.architecture;
      let top = input;
      for (let layer = 0; layer < layers; layer++) {
        const ways = [[forward, false], [reverse, true]].filter(([units]) => units);
        top = beside(ways.map(([, back]) => direction(cell, this.own(module, layer, back), top, steps, back)), steps);
      }
      const width = top.length / steps;
      const row = (step) => top.subarray(step * width, (step + 1) * width);
      const rows = Array.from({ length: steps }, (_, step) => row(step));
      const pooled = (of) => [Float32Array.from({ length: width }, (_, unit) => of(unit))];
      switch (readout) {
        case "last":
          return [row(steps - 1)];
        case "final":
          return pooled((unit) => (unit < (forward ?? 0) ? row(steps - 1) : row(0))[unit]);
        case "mean":
          return pooled((unit) => rows.reduce((sum, own) => sum + own[unit], 0) / steps);
        case "max":
          return pooled((unit) => rows.reduce((most, own) => Math.max(most, own[unit]), -Infinity));
        case "attention": {
          const [weight, bias, context] = ["weight", "bias", "context"].map((name) => this.weights.get(`attention.${name}`));
          const u = new Float64Array(width);
          const scores = rows.map((own) => {
            affine(weight, bias, own, 0, width, u);
            return u.reduce((sum, value, unit) => sum + Math.tanh(value) * context[unit], 0);
          });
          const shares = softmax(scores);
          return pooled((unit) => rows.reduce((sum, own, step) => sum + shares[step] * own[unit], 0));
        }
        default:
          return rows;
      }
    }

    /** The head's logits of rows, or what a part of the states has in them. */
    head(rows, part = () => true, bias = this.weights.get("fc.bias")) {
      const weight = this.weights.get("fc.weight");
      return rows.map((row) => {
        const out = new Float64Array(bias.length);
        affine(weight, bias, row.map((value, unit) => (part(unit) ? value : 0)), 0, row.length, out);
        return Array.from(out);
      });
    }

    /** What is answered where the head gives this for a whole sequence: probabilities, or numbers. */
    values(logits) {
      const { scale } = this;
      return scale ? logits.map((logit, at) => logit * scale.deviation[at] + scale.mean[at]) : softmax(logits);
    }

    prediction(logits) {
      const { classes, per_step: perStep } = this.about;
      if (this.scale) {
        const values = logits.map((row) => this.values(row));
        return { values: perStep ? values : values[0] };
      }
      if (!perStep) {
        const probabilities = softmax(logits[0]);
        const found = largest(probabilities);
        return { class: classes[found], probability: probabilities[found], probabilities };
      }
      const field = this.field && randomField(this.field, logits);
      const probabilities = field ? field.marginals : logits.map(softmax);
      const found = field ? field.found : probabilities.map(largest);
      return {
        tags: found.map((tag) => classes[tag]),
        probability: found.map((tag, step) => probabilities[step][tag]),
        probabilities,
      };
    }

    /** The answer to a sample, and what either direction has in it: what a server's `explain` says, but how it forms. */
    explain(sample) {
      const { forward, reverse } = this.architecture;
      const input = this.read(sample);
      const steps = input.length / this.architecture.inputs;
      const rows = this.seen(input, steps);
      const logits = this.head(rows);
      const bias = this.weights.get("fc.bias");
      const none = new Float32Array(bias.length);
      const directions = forward && reverse && {
        bias: Array.from(bias),
        forward: this.head(rows, (unit) => unit < forward, none),
        reverse: this.head(rows, (unit) => unit >= forward, none),
      };
      return { prediction: this.prediction(logits), logits, directions, forming: null };
    }

    /** Some steps of a sample, which are read as if there were no others. */
    part(sample, begin, end) {
      if (sample.tokens) return { tokens: sample.tokens.slice(begin, end) };
      if (sample.steps) return { steps: sample.steps.slice(begin, end) };
      const { inputs } = this.architecture;
      return { pixels: sample.pixels.slice(begin * inputs, end * inputs) };
    }

    /** What is answered to the first steps alone, and to the last: given so many of them, `steps[index]`. */
    forming(sample, steps, index) {
      const [all, count] = [steps[steps.length - 1], steps[index]];
      const of = (begin) => {
        const input = this.read(this.part(sample, begin, begin + count));
        return this.values(this.head(this.seen(input, count))[0]);
      };
      return { first: of(0), last: of(all - count) };
    }
  };
})();
