"use strict";

/** The page: one network at a time, what it is asked, what it answers. */
(async () => {
  const { element } = Chart;
  const at = (id) => document.getElementById(id);
  const [choice, what, input, answer, how, told, problem] =
    ["choice", "what", "input", "answer", "how", "told", "problem"].map(at);
  const INPUTS = { images: Drawing, series: SeriesInput, sentences: SentenceInput };
  const HINTS = { images: "Draw something.", series: "Give it a series.", sentences: "Type something." };
  // The network that is shown and where it is asked; the newest question, and what is still to be asked of it.
  let [shown, current, asked, wanted, speaking, waiting] = [null, null, 0, null, null, null];
  // Aborted once there is a newer sample than the one that is being answered.
  let newer = new AbortController();
  // For programs that look at the page: what it shows, and whether that is all there is to show.
  window.birnn = null;

  /** Says that an answer is being worked out, once it is long in coming. */
  function wait(isWorking) {
    clearTimeout(waiting);
    answer.setAttribute("aria-busy", "false");
    if (isWorking) waiting = setTimeout(() => answer.setAttribute("aria-busy", "true"), 300);
  }

  /** Answers the newest sample, one at a time: what was asked meanwhile and is older is never answered. */
  async function answerNewest(about) {
    while (wanted && shown === about) {
      const sample = wanted;
      const own = ++asked;
      wanted = null;
      newer = new AbortController();
      const { signal } = newer;
      wait(true);
      try {
        await Answerer.explain(about, sample, (explanation) => {
          if (own !== asked) return;
          wait(false);
          problem.textContent = "";
          AnswerView.show(about, explanation, sample, answer, how);
          window.birnn = { sample, explanation, isWhole: false };
          clearTimeout(speaking);
          speaking = setTimeout(() => { told.textContent = AnswerView.told(about, explanation.prediction); }, 600);
        }, signal);
        if (!signal.aborted && own === asked) window.birnn.isWhole = true;
      } catch (error) {
        if (own !== asked || wanted) continue;
        nothing(about);
        problem.textContent = error.message;
      }
    }
  }

  function nothing(about) {
    [wanted, asked, window.birnn] = [null, asked + 1, null];
    newer.abort();
    wait(false);
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
      newer.abort();
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
      try {
        use(chosen());
      } catch (error) {
        problem.textContent = error.message;
      }
    });
    at("name").textContent = models.length === 1 ? models[0].name : "birnn";
    use(chosen());
  } catch (error) {
    problem.textContent = error.message;
  }
})();
