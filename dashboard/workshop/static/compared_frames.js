// The frames of a comparison in a chosen order, and one of them with the predictions of both models.
import { fetchBlob } from "../../static/calls.js";
import { chosen, element, setText } from "../../static/page.js";
import { drawPicture, readMask, remember } from "../../static/picture.js";
import { drawOnChange } from "../../static/theme.js";

export const SIDES = ["first", "second"];
const ORDERS = {
  gained: (one, other) => other.gain - one.gain,
  lost: (one, other) => one.gain - other.gain,
  differs: (one, other) => other.differing_pixels - one.differing_pixels,
  frame: () => 0,
};
const KEPT = 40; // decoded frames
const AHEAD = 3; // frames whose pictures are fetched in advance

export class ComparedFrames {
  number = 0; // of the comparison
  #rows = [];
  #ordered = [];
  #fetched = remember(KEPT, fetchPictures); // promises
  #content = null;
  #shown = null; // the row that is drawn

  constructor() {
    element("order").addEventListener("change", () => this.#arrange(true));
    element("scrub").addEventListener("input", () => this.#showSelected());
    element("opacity").addEventListener("input", () => this.#draw());
    element("overlay").addEventListener("change", () => this.#draw());
    drawOnChange(element("sides"), () => this.#draw());
  }

  get count() {
    return this.#rows.length;
  }

  clear(number) {
    this.number = number;
    [this.#rows, this.#shown, this.#content] = [[], null, null];
  }

  add(rows) {
    this.#rows.push(...rows);
    element("result").hidden = this.#rows.length === 0;
    if (rows.length) this.#arrange(this.#shown === null);
  }

  #arrange(fromStart) {
    this.#ordered = [...this.#rows].sort(ORDERS[element("order").value]);
    element("scrub").max = this.#ordered.length - 1;
    element("scrub").value = fromStart ? 0 : this.#ordered.indexOf(this.#shown);
    this.#showSelected();
  }

  async #showSelected() {
    const index = Number(element("scrub").value);
    const row = this.#ordered[index];
    if (!row) return;
    const description = `${index + 1} of ${this.#ordered.length}: ${describe(row)}`;
    setText(element("frame-description"), description);
    element("scrub").ariaValueText = description;
    this.#shown = row;
    const load = (each) => this.#fetched(`${this.number} ${each.frame}`, this.number, each);
    const [content] = this.#ordered.slice(index, index + 1 + AHEAD).map(load);
    const loaded = await content;
    if (this.#shown !== row) return; // another one has been selected meanwhile
    this.#content = loaded;
    this.#draw();
  }

  #draw() {
    setText(element("opacity-value"), `${element("opacity").value} %`);
    if (!this.#content || !this.#shown) return;
    const { picture, truth, masks, problem } = this.#content;
    if (problem) return setText(element("frame-description"), problem);
    const labels = chosen("overlay") === "labels";
    const { differing_box: box } = this.#shown;
    const drawn = { size: [picture.height, picture.width], detection: box && !labels ? { box } : null };
    SIDES.forEach((side, i) => {
      const canvas = element(`${side}-view`);
      drawPicture(canvas, picture, labels ? truth : masks[i], element("opacity").value / 100, drawn);
      const result = describeResult(this.#shown, i);
      setText(element(`${side}-result`), result);
      canvas.ariaLabel = `Prediction of the ${side} model: ${result}`;
      canvas.dataset.frame = this.#shown.frame;
    });
  }
}

async function fetchPictures(number, row) {
  const file = (part, name) => fetchBlob(`/api/workshop/comparison/${number}/${part}/${encodeURIComponent(name)}`);
  const mask = `${String(row.frame).padStart(6, "0")}.png`;
  try {
    const [picture, truth, ...masks] = await Promise.all([
      file("images", row.image).then((blob) => createImageBitmap(blob)),
      ...["ground_truth", ...SIDES].map((part) => file(part, mask).then(readMask)),
    ]);
    return { picture, truth, masks };
  } catch {
    return { problem: "The pictures of this frame cannot be read." };
  }
}

function describe({ name, hero_pixels: pixels, gain }) {
  const target = pixels > 0 ? `target of ${Math.round(pixels)} px` : "no target";
  const change = Math.abs(gain) < 0.005 ? "no change" : `${gain > 0 ? "gained" : "lost"} ${Math.abs(gain).toFixed(2)}`;
  return `${name} · ${target} · ${change}`;
}

function describeResult({ hero_pixels: pixels, hero_iou: iou, detected }, side) {
  if (pixels > 0) return `IoU ${iou[side].toFixed(2)}${detected[side] ? "" : ", missed"}`;
  return detected[side] ? "false positive" : "true negative";
}
