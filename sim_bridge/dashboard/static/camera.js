// The camera's picture with what the network saw drawn over it.
import { fitCanvas, rem } from "./theme.js";

const element = (id) => document.getElementById(id);
const DEPTH_STOPS = [[253, 231, 37], [94, 201, 98], [33, 145, 140], [59, 82, 139], [68, 1, 84]]; // near to far
const [HERO, PEOPLE] = [[255, 160, 46], [74, 168, 255]]; // on pictures, the same in every scheme; style.css has them, too
const SATURATED = 255; // far or beyond

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
      frame.depth ? readDepth(frame.depth) : null,
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
    const context = fitCanvas(this.#canvas);
    if (!this.#image) return this.#describe(null);
    const [height, width] = this.frame.size;
    const scale = Math.min(this.#canvas.clientWidth / width, this.#canvas.clientHeight / height);
    context.translate((this.#canvas.clientWidth - width * scale) / 2, (this.#canvas.clientHeight - height * scale) / 2);
    context.scale(scale, scale);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#shown === "depth" && this.#depth ? this.#depth : this.#image, 0, 0, width, height);
    const counts = this.#paintOverlay();
    if (counts) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = this.#opacity.value / 100;
      context.drawImage(this.#overlay, 0, 0, width, height);
      context.globalAlpha = 1;
    }
    if (this.frame.detection) this.#drawDetection(context, this.frame.detection, rem() / 16 / scale);
    this.#describe(counts);
  }

  #paintOverlay() {
    if (!this.#classes) return null;
    const { rows, columns, people, hero } = this.#classes;
    [this.#overlay.width, this.#overlay.height] = [columns, rows];
    const context = this.#overlay.getContext("2d");
    const pixels = context.createImageData(columns, rows);
    const words = new Uint32Array(pixels.data.buffer);
    const [heroInk, peopleInk] = [packed(HERO), packed(PEOPLE)];
    const limit = this.threshold * 255;
    const counts = { hero: 0, people: 0, scale: (this.frame.size[0] * this.frame.size[1]) / (rows * columns) };
    for (let i = 0; i < words.length; i++) {
      if (hero[i] > limit) {
        words[i] = heroInk;
        counts.hero++;
      } else if (people[i] > limit) {
        words[i] = peopleInk;
        counts.people++;
      }
    }
    context.putImageData(pixels, 0, 0);
    return counts;
  }

  #drawDetection(context, { box: [top, left, bottom, right], centroid: [row, column] }, unit) {
    const margin = 3 * unit;
    const corner = Math.min(10 * unit, (right - left) / 2 + margin, (bottom - top) / 2 + margin);
    const [l, t, r, b] = [left - margin, top - margin, right + margin, bottom + margin];
    const path = new Path2D();
    for (const [x, y, dx, dy] of [[l, t, 1, 1], [r, t, -1, 1], [r, b, -1, -1], [l, b, 1, -1]]) {
      path.moveTo(x + dx * corner, y);
      path.lineTo(x, y);
      path.lineTo(x, y + dy * corner);
    }
    const [x, y] = [column + 0.5, row + 0.5]; // pixel centres are at integers
    path.moveTo(x - 5 * unit, y);
    path.lineTo(x + 5 * unit, y);
    path.moveTo(x, y - 5 * unit);
    path.lineTo(x, y + 5 * unit);
    context.lineJoin = context.lineCap = "round";
    for (const [width, ink] of [[4.5, "rgb(0 0 0 / 0.55)"], [2, "#fff"]]) {
      context.lineWidth = width * unit;
      context.strokeStyle = ink;
      context.stroke(path);
    }
    const range = this.frame.range;
    if (range) this.#drawLabel(context, `${range.metres.toFixed(1)} m`, r, t, unit);
  }

  #drawLabel(context, text, right, top, unit) {
    const size = 13 * unit;
    context.font = `600 ${size}px system-ui, sans-serif`;
    const [height, width] = this.frame.size;
    const wide = context.measureText(text).width + size;
    const x = right + 6 * unit + wide <= width ? right + 6 * unit : Math.max(0, right - wide);
    const y = Math.min(Math.max(top, 0), height - 1.6 * size);
    const moved = right + 6 * unit + wide <= width ? y : Math.max(0, y - 1.9 * size);
    context.fillStyle = "rgb(0 0 0 / 0.65)";
    context.beginPath();
    context.roundRect(x, moved, wide, 1.6 * size, 0.4 * size);
    context.fill();
    context.fillStyle = "#fff";
    context.textBaseline = "middle";
    context.fillText(text, x + size / 2, moved + 0.82 * size);
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

async function readDepth(png) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(new Blob([png], { type: "image/png" }), options);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const table = Uint32Array.from({ length: 256 }, (_, byte) => packed(depthColour(byte)));
  const words = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = table[pixels.data[4 * i]];
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function depthColour(byte) {
  if (byte === SATURATED || byte === 0) return [24, 22, 30]; // 0: nothing was drawn there
  const place = Math.sqrt(byte / SATURATED) * (DEPTH_STOPS.length - 1); // people are near: more colours there
  const [low, part] = [Math.floor(place), place % 1];
  const next = DEPTH_STOPS[Math.min(low + 1, DEPTH_STOPS.length - 1)];
  return DEPTH_STOPS[low].map((value, i) => Math.round(value + part * (next[i] - value)));
}

function packed([red, green, blue]) { // as canvases keep it in memory; every browser of today is little-endian
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}
