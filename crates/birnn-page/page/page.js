"use strict";

/** Who answers: a server, or the network that is in this file. */
const Answerer = (() => {
  const embedded = document.getElementById("net");

  const nextTurn = () => new Promise((done) => { setTimeout(done, 0); });

  class Local {
    constructor(text) {
      this.net = new Net(JSON.parse(text));
    }

    async models() {
      return [this.net.about];
    }

    /** The answer, told at once, and again once it is known how it formed; until `isOld` says so. */
    async explain(about, sample, tell, isOld) {
      const all = sample.pixels ? about.shape[0] : (sample.steps ?? sample.tokens).length;
      if (all > Numbers.MOST_STEPS) throw new Error(`${all} steps, and a page shows ${Numbers.MOST_STEPS}`);
      const explanation = this.net.explain(sample);
      tell(explanation);
      if (about.per_step) return;
      const every = Math.ceil(all / Numbers.stops(all));
      const steps = Array.from({ length: Math.ceil(all / every) }, (_, at) => all - at * every).reverse();
      const forming = { steps, first: [], last: [] };
      let told = performance.now();
      for (let index = 0; index < steps.length; index++) {
        const { first, last } = this.net.forming(sample, steps, index);
        [forming.first[index], forming.last[index]] = [first, last];
        if (performance.now() - told < 30) continue;
        await nextTurn();
        if (isOld()) return;
        told = performance.now();
      }
      tell({ ...explanation, forming });
    }
  }

  class Remote {
    async models() {
      return (await this.json("v1/models")).models;
    }

    async json(path, options) {
      const answer = await fetch(path, options).catch(() => { throw new Error("the server cannot be reached"); });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail);
      return body;
    }

    async explain(about, sample, tell) {
      const body = JSON.stringify(sample.pixels
        ? { pixels: [btoa(String.fromCharCode(...sample.pixels))] }
        : sample.tokens ? { sentences: [sample.tokens] } : { series: [sample.steps] });
      const path = `v1/models/${encodeURIComponent(about.name)}/explain`;
      tell(await this.json(path, { method: "POST", headers: { "Content-Type": "application/json" }, body }));
    }
  }

  return embedded ? new Local(embedded.textContent) : new Remote();
})();

/** The page: one network at a time, what it is asked, what it answers. */
(async () => {
  const { element } = Chart;
  const at = (id) => document.getElementById(id);
  const [choice, what, input, answer, how, told, problem] =
    ["choice", "what", "input", "answer", "how", "told", "problem"].map(at);
  const INPUTS = { images: Drawing, series: SeriesInput, sentences: SentenceInput };
  const HINTS = { images: "Draw something.", series: "Give it a series.", sentences: "Type something." };
  // The network that is shown and where it is asked; the newest question, and what is still to be asked of it.
  let [shown, current, asked, wanted, speaking] = [null, null, 0, null, null];
  // For programs that look at the page: what it shows, and whether that is all there is to show.
  window.birnn = null;

  /** Answers the newest sample, one at a time: what was asked meanwhile and is older is never answered. */
  async function answerNewest(about) {
    while (wanted && shown === about) {
      const sample = wanted;
      const own = ++asked;
      wanted = null;
      const isOld = () => wanted !== null || own !== asked;
      try {
        await Answerer.explain(about, sample, (explanation) => {
          if (own !== asked) return;
          problem.textContent = "";
          AnswerView.show(about, explanation, sample, answer, how);
          window.birnn = { sample, explanation, isWhole: false };
          clearTimeout(speaking);
          speaking = setTimeout(() => { told.textContent = AnswerView.told(about, explanation.prediction); }, 600);
        }, isOld);
        if (!isOld()) window.birnn.isWhole = true;
      } catch (error) {
        if (own !== asked || wanted) continue;
        nothing(about);
        problem.textContent = error.message;
      }
    }
  }

  function nothing(about) {
    [wanted, asked, window.birnn] = [null, asked + 1, null];
    answer.replaceChildren(element("p", { class: "hint" }, HINTS[about.reads]));
    how.replaceChildren(element("p", { class: "hint" }, "It shows here while the answer forms."));
    clearTimeout(speaking);
    told.textContent = "";
    problem.textContent = "";
  }

  function use(about) {
    current?.remove();
    [shown, current] = [about, null];
    what.textContent = `${about.architecture}; reads ${about.reads}: ${about.input}`;
    document.title = `${about.name} · birnn`;
    let isAnswering = false;
    nothing(about);
    if (!about.has_page) {
      input.replaceChildren(element("p", {}, `What a network answers that was trained to ${about.task} is not shown on a page.`));
      return;
    }
    current = new INPUTS[about.reads](about, async (sample) => {
      if (shown !== about) return;
      if (!sample) {
        nothing(about);
        return;
      }
      [wanted, window.birnn] = [sample, null];
      if (isAnswering) return;
      isAnswering = true;
      await answerNewest(about);
      isAnswering = false;
    });
    input.replaceChildren(current.element);
  }

  try {
    const models = await Answerer.models();
    choice.append(...models.map(({ name }) => element("option", { value: name }, name)));
    at("choosing").hidden = models.length < 2;
    const chosen = () => models.find(({ name }) => name === choice.value) ?? models[0];
    const named = location.hash.slice(1);
    if (models.some(({ name }) => name === named)) choice.value = named;
    choice.addEventListener("change", () => {
      history.replaceState(null, "", `#${choice.value}`);
      use(chosen());
    });
    at("name").textContent = models.length === 1 ? models[0].name : "birnn";
    use(chosen());
  } catch (error) {
    problem.textContent = error.message;
  }
})();
