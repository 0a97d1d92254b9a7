"use strict";

/** A drawing as an image of the data set that the network learnt from: birnn-data's `frame.rs`, in JavaScript. */
const Frame = (() => {
  const FIT = { mnist: 20, emnist: 24 };
  const share = (pixels, fit) => Math.max(1, Math.round((pixels * fit) / 28));
  const touched = (length, scale) => Math.max(1, Math.ceil(length * scale - 1e-6));

  /** Lines of `length` values scaled along their length by averaging over areas, as columns. */
  function scaledAndTransposed(lines, length, scale) {
    const count = touched(length, scale);
    const margin = (count - length * scale) / 2;
    const rows = lines.length / length;
    const result = new Float32Array(count * rows);
    for (let pixel = 0; pixel < count; pixel++) {
      const low = Math.max(0, (pixel - margin) / scale);
      const high = Math.min(length, (pixel + 1 - margin) / scale);
      const first = Math.min(Math.floor(low), length - 1);
      const last = Math.max(Math.ceil(high), first + 1);
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let at = first; at < last; at++) {
          sum += lines[row * length + at] * (Math.min(high, at + 1) - Math.max(low, at)) * scale;
        }
        result[pixel * rows + row] = sum;
      }
    }
    return result;
  }

  /** The first and the last of so many places with ink, as `[begin, end]`. */
  function extent(count, hasInk) {
    let [begin, end] = [0, count];
    while (begin < count && !hasInk(begin)) begin++;
    while (end > begin && !hasInk(end - 1)) end--;
    return [begin, end];
  }

  /** `ink`, lines of `width` bytes, as `rows x cols` of them; null where there is none. */
  function framed(ink, width, rows, cols, framing) {
    const height = ink.length / width;
    const [top, bottom] = extent(height, (y) => ink.subarray(y * width, (y + 1) * width).some((value) => value));
    if (top === bottom) return null;
    const scaled = (lines, across, down, x, y) =>
      scaledAndTransposed(scaledAndTransposed(lines, across, x), down, y);
    if (!FIT[framing]) return Uint8Array.from(scaled(ink, width, height, cols / width, rows / height), Math.round);
    const [left, right] = extent(width, (x) => {
      for (let y = top; y < bottom; y++) if (ink[y * width + x]) return true;
      return false;
    });
    const [across, down] = [right - left, bottom - top];
    const crop = new Float32Array(across * down);
    for (let y = 0; y < down; y++) {
      crop.set(ink.subarray((top + y) * width + left, (top + y) * width + right), y * across);
    }
    const fit = FIT[framing];
    const scale = Math.min(share(rows, fit) / down, share(cols, fit) / across);
    const digit = scaled(crop, across, down, scale, scale);
    return centred(digit, touched(across, scale), rows, cols, framing);
  }

  function centred(digit, width, rows, cols, framing) {
    const height = digit.length / width;
    let [mass, down, across, peak] = [0, 0, 0, Number.MIN_VALUE];
    digit.forEach((value, index) => {
      mass += value;
      down += value * Math.floor(index / width);
      across += value * (index % width);
      peak = Math.max(peak, value);
    });
    const byMass = (moment, size, pixels) =>
      Math.min(Math.max(Math.round(Math.floor(pixels / 2) - moment / mass), 0), pixels - size);
    const [top, left] = framing === "emnist"
      ? [Math.floor((rows - height) / 2), Math.floor((cols - width) / 2)]
      : [byMass(down, height, rows), byMass(across, width, cols)];
    const image = new Uint8Array(rows * cols);
    digit.forEach((value, index) => {
      const at = (top + Math.floor(index / width)) * cols + left + (index % width);
      image[at] = Math.round((value * 255) / peak);
    });
    return image;
  }

  /** The grey levels of paper and of full ink: where things stand now on dark, now on light, ink is dark. */
  const levels = ({ ground, levels }) => (ground === "mixed" ? [255, 0] : levels);

  /** What the network is to see of a drawing: bytes, row by row; null where there is no ink. */
  function of(ink, width, [rows, cols], { ground, levels: shades, transposed, framing }) {
    if (transposed) {
      const upright = of(ink, width, [cols, rows], { ground, levels: shades, framing });
      return upright && upright.map((_, at) => upright[(at % cols) * rows + Math.floor(at / cols)]);
    }
    const image = framed(ink, width, rows, cols, framing);
    const [paper, full] = levels({ ground, levels: shades });
    const shade = (value) => Math.trunc(((full - paper) * value + Math.sign(full - paper) * 127) / 255);
    return image && image.map((value) => paper + shade(value));
  }

  return { of, levels };
})();
