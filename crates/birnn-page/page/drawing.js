"use strict";

/** Where one draws, or opens a picture: what the network is to see is an image as those that it learnt from. */
const Drawing = (() => {
  const { element } = Chart;
  const SIDE = 280;
  /** There must be room to draw, however narrow images are. */
  const NARROWEST = 70;
  const USUAL = { ground: "dark", levels: [0, 255], transposed: false, framing: "mnist" };
  const THICKNESS = { least: 8, most: 44, usual: 22 };

  function canvas(width, height, attributes) {
    return element("canvas", { width, height, ...attributes });
  }

  /** The grey levels of a picture, on `paper` where it lets through, by the weights that birnn-data takes (Rec. 709). */
  function greyOn(paper, pixels, width, height) {
    const grey = new Float32Array(width * height);
    for (let at = 0; at < grey.length; at++) {
      const [red, green, blue, alpha] = pixels.subarray(4 * at, 4 * at + 4);
      grey[at] = paper + (alpha / 255) * (0.2126 * red + 0.7152 * green + 0.0722 * blue - paper);
    }
    return grey;
  }

  /** Those on white or, where nothing is seen on it, on black. */
  function greyOf(pixels, width, height) {
    const grey = greyOn(255, pixels, width, height);
    return grey.some((value) => value < 254) ? grey : greyOn(0, pixels, width, height);
  }

  const median = (values) => values.sort((one, other) => one - other)[(values.length - 1) >> 1];

  /** What a picture stands on, as its corners show it, as far as these agree: birnn-data's `appearance.rs`, in JavaScript. */
  function groundOf(grey, width, height) {
    const [across, down] = [width, height].map((side) => Math.max(1, Math.floor(side / 7)));
    const corners = [0, height - down].flatMap((top) => [0, width - across].map((left) => {
      const part = [];
      for (let y = top; y < top + down; y++) part.push(...grey.subarray(y * width + left, y * width + left + across));
      return median(part);
    }));
    const level = median([...corners]);
    const most = grey.reduce((all, value) => Math.max(all, Math.abs(value - level)), 0);
    const grain = Math.min(24, most / 2);
    const sum = grey.reduce((all, value) => all + (Math.abs(value - level) > grain ? value - level : 0), 0);
    if (sum === 0 || corners.some((corner) => Math.abs(corner - level) > 48)) return "mixed";
    return sum > 0 ? "dark" : "light";
  }

  /** The ink with which a picture is drawn so that a network that learnt from whole pictures sees its grey levels. */
  function wholeInkOf(grey, width, height, { ground, levels }) {
    const least = grey.reduce((all, value) => Math.min(all, value), 255);
    if (grey.every((value) => value === least)) return null;
    const own = groundOf(grey, width, height);
    const isOtherWay = ground !== "mixed" && own !== "mixed" && own !== ground;
    const [paper, full] = Frame.levels({ ground, levels });
    return Uint8ClampedArray.from(grey, (value) => (255 * ((isOtherWay ? 255 - value : value) - paper)) / (full - paper));
  }

  /** The ink of a picture: how much darker or lighter its pixels are than its border. */
  function inkOf(grey, width, height) {
    const border = [];
    for (let x = 0; x < width; x++) border.push(grey[x], grey[(height - 1) * width + x]);
    for (let y = 0; y < height; y++) border.push(grey[y * width], grey[(y + 1) * width - 1]);
    const paper = median(border);
    const most = grey.reduce((all, value) => Math.max(all, Math.abs(value - paper)), 0);
    // What stands out by less than a quarter of what stands out most is paper with shades.
    return most < 32 ? null : Uint8Array.from(grey, (value) => {
      const share = Math.abs(value - paper) / most;
      return share < 0.25 ? 0 : Math.round((255 * (share - 0.25)) / 0.75);
    });
  }

  return class Drawing {
    /** `changed` is told of each image, and of null where there is none. */
    constructor(about, changed) {
      const [rows, cols] = about.shape;
      // Where the network reads columns as rows, it is drawn upright all the same.
      const isTurned = (about.preprocessing ?? USUAL).transposed;
      Object.assign(this, { about, changed, marks: [], open: null });
      const longest = Math.max(rows, cols);
      // Of whole pixels, so that those of a picture of the images' own size come out again.
      const scale = longest > SIDE ? SIDE / longest : Math.floor(SIDE / longest);
      [this.width, this.height] = (isTurned ? [rows, cols] : [cols, rows]).map((side) => {
        const wanted = Math.round(side * scale);
        return wanted < NARROWEST ? side * Math.ceil(NARROWEST / side) : wanted;
      });
      this.pad = canvas(this.width, this.height, { id: "pad", "aria-label": "Draw here with a mouse, a pen or a finger", role: "img" });
      this.seen = canvas(cols, rows, { id: "seen", role: "img", "aria-label": "What the network sees: nothing yet" });
      this.thickness = element("input", {
        type: "range", id: "thickness", min: THICKNESS.least, max: THICKNESS.most, value: THICKNESS.usual,
      });
      const button = (id, text, press) => {
        const made = element("button", { type: "button", id }, text);
        made.addEventListener("click", press);
        return made;
      };
      this.undo = button("undo", "Undo", () => this.without(this.marks.slice(0, -1)));
      this.clear = button("clear", "Clear", () => this.without([]));
      this.file = element("input", { type: "file", id: "file", accept: "image/*" });
      this.file.addEventListener("change", () => this.openPicture(this.file.files[0]));
      this.problem = element("p", { class: "problem", role: "alert" });
      this.element = element("div", { class: "drawing" },
        element("div", { class: "pads" }, this.pad,
          element("figure", {}, this.seen, element("figcaption", {}, `What the network sees, ${rows} rows of ${cols} pixels`))),
        element("div", { class: "tools" }, this.undo, this.clear,
          element("label", { for: "thickness" }, "Thickness", this.thickness),
          element("label", { for: "file" }, "Or open a picture", this.file)),
        this.problem);
      this.pad.addEventListener("pointerdown", (event) => this.begin(event));
      this.pad.addEventListener("pointermove", (event) => this.draw(event));
      ["pointerup", "pointercancel"].forEach((name) => this.pad.addEventListener(name, (event) => {
        if (this.open?.pointer === event.pointerId) this.open = null;
      }));
      this.end = new AbortController();
      const listen = (target, name, act) => target.addEventListener(name, act, { signal: this.end.signal });
      listen(document, "keydown", (event) => {
        if ((event.ctrlKey || event.metaKey) && event.key === "z") this.undo.click();
      });
      listen(document, "paste", (event) => this.openPicture(event.clipboardData.files[0]));
      listen(document, "dragover", (event) => event.preventDefault());
      listen(document, "drop", (event) => {
        event.preventDefault();
        this.openPicture(event.dataTransfer.files[0]);
      });
      listen(matchMedia("(prefers-color-scheme: dark)"), "change", () => this.redraw());
      this.redraw();
    }

    remove() {
      this.end.abort();
      this.element.remove();
    }

    place(event) {
      const box = this.pad.getBoundingClientRect();
      return [((event.clientX - box.left) * this.width) / box.width, ((event.clientY - box.top) * this.height) / box.height];
    }

    begin(event) {
      // A second finger draws nothing.
      if (event.button !== 0 || this.open) return;
      this.pad.setPointerCapture(event.pointerId);
      this.open = { pointer: event.pointerId, thickness: Number(this.thickness.value), points: [this.place(event)] };
      this.marks.push(this.open);
      this.redraw();
      event.preventDefault();
    }

    draw(event) {
      if (this.open?.pointer !== event.pointerId) return;
      const all = event.getCoalescedEvents?.() ?? [];
      (all.length ? all : [event]).forEach((one) => this.open.points.push(this.place(one)));
      this.redraw();
    }

    without(marks) {
      this.marks = marks;
      this.redraw();
    }

    async openPicture(file) {
      if (!file) return;
      this.problem.textContent = "";
      try {
        const picture = await createImageBitmap(file);
        const isWhole = this.preprocessing(true).framing === "resize";
        const scale = Math.min(this.width / picture.width, this.height / picture.height, 1);
        const [width, height] = isWhole
          ? [this.width, this.height]
          : [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
        const own = canvas(width, height, {}).getContext("2d", { willReadFrequently: true });
        // A picture that is smaller keeps its pixels, which come out again as the network sees them.
        own.imageSmoothingEnabled = width < picture.width || height < picture.height;
        own.drawImage(picture, 0, 0, width, height);
        const grey = greyOf(own.getImageData(0, 0, width, height).data, width, height);
        const ink = isWhole ? wholeInkOf(grey, width, height, this.preprocessing(true)) : inkOf(grey, width, height);
        if (!ink) throw new Error("nothing stands out from its ground");
        this.without([{ ink, width, height, isWhole }]);
      } catch (error) {
        this.problem.textContent = `${file.name} cannot be read as a picture: ${error.message}`;
      }
      this.file.value = "";
    }

    /** What the network's images are like; what is shown of a whole picture has all its grey levels. */
    preprocessing(isWhole) {
      const own = this.about.preprocessing ?? USUAL;
      return isWhole ? { ...own, levels: own.ground === "light" ? [255, 0] : [0, 255] } : own;
    }

    /** All marks on the pad, and what the network sees of them. */
    redraw() {
      const context = this.pad.getContext("2d", { willReadFrequently: true });
      context.clearRect(0, 0, this.width, this.height);
      const colour = getComputedStyle(document.documentElement).getPropertyValue("--ink");
      Object.assign(context, { strokeStyle: colour, fillStyle: colour, lineCap: "round", lineJoin: "round" });
      this.marks.forEach((mark) => (mark.ink ? this.putInk(context, mark) : this.putStroke(context, mark)));
      const { data } = context.getImageData(0, 0, this.width, this.height);
      const ink = new Uint8Array(this.width * this.height);
      for (let at = 0; at < ink.length; at++) ink[at] = data[4 * at + 3];
      const isWhole = this.marks.some((mark) => mark.isWhole);
      const pixels = Frame.of(ink, this.width, this.about.shape, this.preprocessing(isWhole));
      this.undo.disabled = this.clear.disabled = this.marks.length === 0;
      this.show(pixels);
      this.changed(pixels && { pixels });
    }

    putStroke(context, { thickness, points }) {
      context.lineWidth = thickness;
      context.beginPath();
      context.moveTo(...points[0]);
      // A point alone is a dot.
      (points.length > 1 ? points.slice(1) : points).forEach((point) => context.lineTo(...point));
      context.stroke();
    }

    putInk(context, { ink, width, height }) {
      const own = canvas(width, height, {}).getContext("2d");
      own.fillStyle = context.fillStyle;
      own.fillRect(0, 0, width, height);
      const image = own.getImageData(0, 0, width, height);
      ink.forEach((value, at) => { image.data[4 * at + 3] = value; });
      own.putImageData(image, 0, 0);
      context.drawImage(own.canvas, Math.round((this.width - width) / 2), Math.round((this.height - height) / 2));
    }

    show(pixels) {
      const context = this.seen.getContext("2d");
      context.clearRect(0, 0, this.seen.width, this.seen.height);
      this.seen.setAttribute("aria-label", `What the network sees: ${pixels ? "the drawing, small and centred" : "nothing yet"}`);
      if (!pixels) return;
      const image = new ImageData(this.seen.width, this.seen.height);
      pixels.forEach((value, at) => image.data.set([value, value, value, 255], 4 * at));
      context.putImageData(image, 0, 0);
    }
  };
})();
