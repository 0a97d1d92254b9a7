"use strict";

/** Where one types a sentence. */
const SentenceInput = (() => {
  const { element } = Chart;

  return class SentenceInput {
    constructor(about, changed) {
      Object.assign(this, { about, changed });
      const how = {
        "words": "Its tokens are parted by spaces, punctuation marks too, as in the training data.",
        "words-and-punctuation": "Words and punctuation marks are tokens.",
        "characters": "Each character is a token.",
      };
      const characters = about.unit === "characters";
      this.text = element("textarea", { id: "sentence", rows: 3, "aria-describedby": "sentence-how" });
      this.element = element("div", { class: "typing" },
        element("label", { for: "sentence" }, characters ? "Type a text" : "Type a sentence"), this.text,
        element("p", { id: "sentence-how", class: "hint" }, how[about.unit]));
      this.text.addEventListener("input", () => this.read());
      this.read();
    }

    remove() {
      this.element.remove();
    }

    read() {
      const tokens = SentenceInput.tokens(this.text.value, this.about.unit);
      this.changed(tokens.length ? { tokens } : null);
    }

    /** White space is what Unicode says it is, which a byte order mark is not. */
    static tokens(text, unit) {
      switch (unit) {
        case "words":
          return text.match(/\P{White_Space}+/gu) ?? [];
        case "words-and-punctuation":
          return text.match(/[\p{L}\p{M}\p{N}_]+(?:['’]\p{L}[\p{L}\p{M}\p{N}_]*|[.,]\p{N}[\p{L}\p{M}\p{N}_]*)*|\P{White_Space}/gu) ?? [];
        default:
          return [...text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "")];
      }
    }
  };
})();
