"use strict";

/** Who answers: a server, or the network that is in this file. */
const Answerer = (() => {
  const embedded = document.getElementById("net");

  /** The network in this file, which computes in a worker: the page goes on meanwhile. */
  class Local {
    constructor(made) {
      Object.assign(this, { made, asked: 0, open: null });
      try {
        const code = document.getElementById("computes").textContent;
        const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
        worker.onerror = () => this.computeHere();
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
      port.onmessage = ({ data }) => {
        if (data.question === this.open?.question) this.open.hear(data);
      };
      port.postMessage({ made: this.made });
      if (this.open) this.ask(this.open);
    }

    ask({ question, sample }) {
      this.port.postMessage({ question, sample });
    }

    async models() {
      return [this.made.about];
    }

    /** The answer, told at once, and again once it is known how it formed; but not where there is a `newer` sample. */
    async explain(about, sample, tell, newer) {
      await new Promise((done, fail) => {
        let isTold = false;
        const leave = () => { if (isTold && newer.aborted) done(); };
        const hear = ({ explanation, problem, isWhole }) => {
          if (problem) fail(new Error(problem));
          if (isWhole) done();
          if (!explanation) return;
          tell(explanation);
          isTold = true;
          leave();
        };
        newer.addEventListener("abort", leave);
        this.open = { question: ++this.asked, sample, hear };
        this.ask(this.open);
      });
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

  return embedded ? new Local(JSON.parse(embedded.textContent)) : new Remote();
})();
