// The camera image with the network's output drawn over it.
import { element, make, setText } from "../../static/page.js";
import { drawPicture, paintClasses, readDepth } from "../../static/picture.js";
import { drawOnChange, fitCanvas } from "../../static/theme.js";

export class Camera {
  frame = null;
  #canvas = element("camera-view");
  #opacity = element("opacity");
  #threshold = element("threshold");
  #thresholdInUse = 0.5;
  #shown = "camera";
  #latest = 0; // counts calls of `show` and `clear`
  #image = null;
  #depth = null;
  #classes = null; // { rows, columns, people, hero } with bytes, 255 = certain
  #overlay = make("canvas");

  constructor() {
    for (const slider of [this.#opacity, this.#threshold]) slider.addEventListener("input", () => this.#draw());
    drawOnChange(this.#canvas, () => this.#draw());
  }

  set picture(name) {
    this.#shown = name;
    this.#draw();
  }

  setThresholdInUse(value) {
    this.#thresholdInUse = value;
    this.#threshold.value = Math.round(100 * value);
    element("threshold-used").replaceChildren(make("option", { value: this.#threshold.value }));
    this.#draw();
  }

  // Returns whether the frame is shown: not if another one, or another simulator, came while it was decoded.
  async show(frame) {
    const call = ++this.#latest;
    const [image, classes, depth] = await Promise.all([
      createImageBitmap(new Blob([frame.jpeg], { type: "image/jpeg" })),
      inflate(frame.classes),
      frame.depth && readDepth(new Blob([frame.depth], { type: "image/png" })),
    ]);
    if (call !== this.#latest) return false;
    this.#image?.close();
    [this.frame, this.#image, this.#depth] = [frame, image, depth];
    const [rows, columns] = frame.grid;
    const pixels = rows * columns;
    this.#classes = { rows, columns, people: classes.subarray(0, pixels), hero: classes.subarray(pixels) };
    this.#draw();
    return true;
  }

  clear() {
    this.#latest++;
    this.#image?.close();
    this.frame = this.#image = this.#depth = this.#classes = null;
    this.#draw();
  }

  #draw() {
    const threshold = this.#threshold.value / 100;
    setText(element("opacity-value"), `${this.#opacity.value} %`);
    setText(element("threshold-value"), threshold.toFixed(2));
    const differs = Math.abs(threshold - this.#thresholdInUse) > 0.005;
    setText(element("threshold-note"), differs ? `display only; the flight uses ${this.#thresholdInUse}` : "");
    element("camera-empty").hidden = this.#image !== null;
    let counts = null;
    if (this.#image) {
      counts = this.#paintOverlay(255 * threshold);
      const picture = this.#shown === "depth" && this.#depth ? this.#depth : this.#image;
      drawPicture(this.#canvas, picture, this.#overlay, this.#opacity.value / 100, this.frame);
    } else {
      fitCanvas(this.#canvas);
    }
    setText(element("hero-pixels"), counts ? `${counts.hero} px` : "–");
    setText(element("people-pixels"), counts ? `${counts.people} px` : "–");
    this.#canvas.setAttribute("aria-label", describe(this.frame));
    this.#canvas.dataset.frame = this.frame ? this.frame.number : "";
  }

  // Returns the number of pixels of each class in the image.
  #paintOverlay(limit) {
    const { rows, columns, people, hero } = this.#classes;
    const counts = paintClasses(this.#overlay, rows, columns, (i) => (hero[i] > limit ? 2 : people[i] > limit ? 1 : 0));
    const scale = (this.frame.size[0] * this.frame.size[1]) / (rows * columns);
    return { people: Math.round(counts.people * scale), hero: Math.round(counts.hero * scale) };
  }
}

function describe(frame) {
  if (!frame) return "Camera image; no frame yet";
  if (!frame.detection) return "Camera image without the target";
  return `Camera image with the target${frame.range ? `, ${frame.range.metres.toFixed(1)} metres away` : ""}`;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
