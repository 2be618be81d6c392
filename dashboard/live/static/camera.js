// The camera image with the network's output drawn over it.
import { chosen, element, make, setText } from "../../static/page.js";
import { CameraView, paintClasses, readDepth } from "../../static/picture.js";

export class Camera {
  frame = null;
  #view = new CameraView();
  #threshold = element("threshold");
  #thresholdInUse = 0.5;
  #latest = 0; // counts calls of `show` and `clear`
  #images = null; // { camera, depth }
  #classes = null; // bytes of people, then of hero, 255 = certain
  #overlay = make("canvas");

  constructor() {
    for (const control of [this.#threshold, element("pictures")]) control.addEventListener("input", () => this.#draw());
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
    const [camera, classes, depth] = await Promise.all([
      createImageBitmap(new Blob([frame.jpeg], { type: "image/jpeg" })),
      inflate(frame.classes),
      frame.depth && readDepth(new Blob([frame.depth], { type: "image/png" })),
    ]);
    if (call !== this.#latest) return false;
    this.#images?.camera.close();
    [this.frame, this.#images, this.#classes] = [frame, { camera, depth }, classes];
    this.#draw();
    return true;
  }

  clear() {
    this.#latest++;
    this.#images?.camera.close();
    this.frame = this.#images = this.#classes = null;
    this.#draw();
  }

  #draw() {
    const threshold = this.#threshold.value / 100;
    setText(element("threshold-value"), threshold.toFixed(2));
    const differs = Math.abs(threshold - this.#thresholdInUse) > 0.005;
    setText(element("threshold-note"), differs ? `display only; the flight uses ${this.#thresholdInUse}` : "");
    const { frame } = this;
    if (!frame) return this.#view.show({});
    const counts = this.#paintOverlay(255 * threshold);
    const image = this.#images[chosen("picture")] ?? this.#images.camera;
    this.#view.show({ name: frame.number, title: "Camera image", frame, image, overlay: this.#overlay, counts });
  }

  // Returns the number of pixels of each class in the image.
  #paintOverlay(limit) {
    const { size: [height, width], grid: [rows, columns] } = this.frame;
    const [people, hero] = [this.#classes.subarray(0, rows * columns), this.#classes.subarray(rows * columns)];
    const counts = paintClasses(this.#overlay, rows, columns, (i) => (hero[i] > limit ? 2 : people[i] > limit ? 1 : 0));
    const scale = (height * width) / (rows * columns);
    return { people: Math.round(counts.people * scale), hero: Math.round(counts.hero * scale) };
  }
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
