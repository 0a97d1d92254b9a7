"use strict";

/** Who answers: a server, or the network that is in this file. */
const Answerer = (() => {
  const embedded = document.getElementById("net");

  /** The network in this file, which computes in a worker: the page goes on meanwhile. */
  class Local {
    constructor() {
      this.asked = 0;
      this.about = new Promise((done, fail) => {
        this.hear = ({ about, problem }) => (about ? done(about) : fail(new Error(problem)));
      });
      try {
        const code = document.getElementById("computes").textContent;
        const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
        worker.onerror = () => {
          worker.onerror = worker.onmessage = null;
          worker.terminate();
          this.computeHere();
        };
        this.use(worker);
      } catch {
        this.computeHere();
      }
    }

    /** Where a browser gives a file no worker. */
    computeHere() {
      const { port1, port2 } = new MessageChannel();
      explainTo(port2);
      this.use(port1);
    }

    use(port) {
      this.port = port;
      port.onmessage = ({ data }) => this.hear?.(data);
      port.postMessage({ made: embedded.textContent });
      if (this.open) port.postMessage(this.open);
    }

    async models() {
      return [await this.about];
    }

    /** The answer, told at once, and again once it is known how it formed; but not where there is a `newer` sample. */
    async explain(about, sample, tell, newer) {
      const question = ++this.asked;
      let isTold = false;
      try {
        await new Promise((done, fail) => {
          newer.addEventListener("abort", () => {
            this.port.postMessage({ question: null });
            if (isTold) done();
          });
          this.hear = ({ question: own, explanation, problem, isWhole }) => {
            if (own !== question) return;
            try {
              if (problem) throw new Error(problem);
              if (explanation) tell(explanation);
              isTold = true;
              if (isWhole || newer.aborted) done();
            } catch (error) {
              fail(error);
            }
          };
          this.open = { question, sample };
          this.port.postMessage(this.open);
        });
      } finally {
        this.hear = this.open = null;
      }
    }
  }

  class Remote {
    async models() {
      return (await this.json("v1/models")).models;
    }

    async json(path, options, about) {
      const answer = await fetch(path, options).catch(() => { throw new Error("the server cannot be reached"); });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail);
      const weights = answer.headers.get("birnn-weights");
      if (about && weights !== about.sha256) throw new Error("the server has taken other weights since; load the page again");
      return body;
    }

    async explain(about, sample, tell) {
      // In pieces, as a call takes only so many arguments.
      const bytes = [];
      for (let at = 0; at < (sample.pixels?.length ?? 0); at += 8192) {
        bytes.push(String.fromCharCode(...sample.pixels.slice(at, at + 8192)));
      }
      const body = JSON.stringify(sample.pixels
        ? { pixels: [btoa(bytes.join(""))] }
        : sample.tokens ? { sentences: [sample.tokens] } : { series: [sample.steps] });
      const path = `v1/models/${encodeURIComponent(about.name)}/explain`;
      tell(await this.json(path, { method: "POST", headers: { "Content-Type": "application/json" }, body }, about));
    }
  }

  return embedded ? new Local() : new Remote();
})();
