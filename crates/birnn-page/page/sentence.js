"use strict";

/** Where one types a sentence. */
const SentenceInput = (() => {
  const { element } = Chart;

  return class SentenceInput {
    constructor(about, changed) {
      Object.assign(this, { about, changed });
      const words = about.unit === "words";
      this.text = element("textarea", { id: "sentence", rows: 3, "aria-describedby": "sentence-how" });
      this.element = element("div", { class: "typing" },
        element("label", { for: "sentence" }, words ? "Type a sentence" : "Type a text"), this.text,
        element("p", { id: "sentence-how", class: "hint" },
          words ? "Its tokens are parted by spaces, punctuation marks too, as in the training data." : "Each character is a token."));
      this.text.addEventListener("input", () => this.read());
      this.read();
    }

    remove() {
      this.element.remove();
    }

    read() {
      // White space as Unicode has it, which a byte order mark is not.
      const space = /\p{White_Space}+/u;
      const text = this.text.value;
      const tokens = this.about.unit === "words" ? text.split(space) : [...text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "")];
      const all = tokens.filter((token) => token !== "");
      this.changed(all.length ? { tokens: all } : null);
    }
  };
})();
