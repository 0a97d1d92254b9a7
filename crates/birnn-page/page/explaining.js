"use strict";

/** Explains samples by a network that is in this file, to whoever is at the other end of `port`: a page, of its worker. */
function explainTo(port) {
  let net = null;
  let newest = null;

  const nextTurn = () => new Promise((done) => { setTimeout(done, 0); });

  /** The answer, told at once, and again once it is known how it formed; until `isOld` says so. */
  async function explain(sample, tell, isOld) {
    const { about } = net;
    const all = sample.pixels ? about.shape[0] : (sample.steps ?? sample.tokens).length;
    if (all > Numbers.MOST_STEPS) throw new Error(`${all} steps, and a page shows ${Numbers.MOST_STEPS}`);
    const explanation = net.explain(sample);
    tell(explanation);
    if (about.per_step) return;
    const every = Math.ceil(all / Numbers.stops(all));
    const steps = Array.from({ length: Math.ceil(all / every) }, (_, at) => all - at * every).reverse();
    const forming = { steps, first: [], last: [] };
    let told = performance.now();
    for (let index = 0; index < steps.length; index++) {
      const { first, last } = net.forming(sample, steps, index);
      [forming.first[index], forming.last[index]] = [first, last];
      if (performance.now() - told < 30) continue;
      // What is asked meanwhile comes in now.
      await nextTurn();
      if (isOld()) return;
      told = performance.now();
    }
    tell({ ...explanation, forming });
  }

  /** First the network, as text, and then questions, of which the newest counts; null asks for nothing more. */
  port.onmessage = async ({ data: { made, question, sample } }) => {
    try {
      if (made) {
        net = new Net(JSON.parse(made));
        port.postMessage({ about: net.about });
        return;
      }
      newest = question;
      if (question === null) return;
      await explain(sample, (explanation) => port.postMessage({ question, explanation }), () => newest !== question);
      port.postMessage({ question, isWhole: true });
    } catch (error) {
      port.postMessage({ question, problem: error.message });
    }
  };
}

if (typeof document === "undefined") explainTo(globalThis);
