// The camera's picture with what the network saw drawn over it.
import { element } from "../../static/page.js";
import { drawPicture, paintClasses, readDepth } from "../../static/picture.js";
import { fitCanvas } from "../../static/theme.js";

export class Camera {
  frame = null;
  #canvas = element("camera-view");
  #opacity = element("opacity");
  #threshold = element("threshold");
  #inUse = 0.5;
  #shown = "camera";
  #turn = 0;
  #image = null;
  #depth = null;
  #classes = null; // { rows, columns, people, hero } with bytes, 255 = certain
  #overlay = document.createElement("canvas");

  constructor() {
    for (const slider of [this.#opacity, this.#threshold]) slider.addEventListener("input", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
    this.draw();
  }

  get threshold() {
    return this.#threshold.value / 100;
  }

  set picture(name) {
    this.#shown = name;
    this.draw();
  }

  setThresholdInUse(value) {
    this.#inUse = value;
    this.#threshold.value = Math.round(100 * value);
    const mark = document.createElement("option");
    mark.value = this.#threshold.value;
    element("threshold-used").replaceChildren(mark);
    this.draw();
  }

  // Whether the frame is shown: not when another one, or another simulator, came while it was decoded.
  async show(frame) {
    const turn = ++this.#turn;
    const [image, classes, depth] = await Promise.all([
      createImageBitmap(new Blob([frame.jpeg], { type: "image/jpeg" })),
      frame.classes ? inflate(frame.classes) : null,
      frame.depth ? readDepth(new Blob([frame.depth], { type: "image/png" })) : null,
    ]);
    if (turn !== this.#turn) return false;
    this.#image?.close();
    [this.frame, this.#image, this.#depth] = [frame, image, depth];
    this.#classes = null;
    if (classes) {
      const [rows, columns] = frame.grid;
      const people = classes.subarray(0, rows * columns);
      this.#classes = { rows, columns, people, hero: classes.subarray(rows * columns) };
    }
    this.draw();
    return true;
  }

  clear() {
    this.#turn++;
    this.#image?.close();
    this.frame = this.#image = this.#depth = this.#classes = null;
    this.draw();
  }

  draw() {
    element("opacity-value").textContent = `${this.#opacity.value} %`;
    element("threshold-value").textContent = this.threshold.toFixed(2);
    const differs = Math.abs(this.threshold - this.#inUse) > 0.005;
    element("threshold-note").textContent = differs ? `view only; the flight uses ${this.#inUse}` : "";
    element("camera-empty").hidden = this.#image !== null;
    if (!this.#image) {
      fitCanvas(this.#canvas);
      return this.#describe(null);
    }
    const counts = this.#paintOverlay();
    const picture = this.#shown === "depth" && this.#depth ? this.#depth : this.#image;
    drawPicture(this.#canvas, picture, counts && this.#overlay, this.#opacity.value / 100, this.frame);
    this.#describe(counts);
  }

  #paintOverlay() {
    if (!this.#classes) return null;
    const { rows, columns, people, hero } = this.#classes;
    const limit = this.threshold * 255;
    const counts = paintClasses(this.#overlay, rows, columns, (i) => (hero[i] > limit ? 2 : people[i] > limit ? 1 : 0));
    return { ...counts, scale: (this.frame.size[0] * this.frame.size[1]) / (rows * columns) };
  }

  #describe(counts) {
    const pixels = (count) => (counts ? `${Math.round(count * counts.scale)} px` : "–");
    element("hero-pixels").textContent = pixels(counts?.hero);
    element("people-pixels").textContent = pixels(counts?.people);
    let words = "The camera's picture; no frame yet";
    if (this.frame) {
      const { detection, range } = this.frame;
      words = detection
        ? `The camera sees the hero${range ? `, ${range.metres.toFixed(1)} metres away` : ""}`
        : "The camera does not see the hero";
    }
    if (this.#canvas.getAttribute("aria-label") !== words) this.#canvas.setAttribute("aria-label", words);
    this.#canvas.dataset.frame = this.frame ? this.frame.number : "";
  }
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
