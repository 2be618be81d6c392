// Camera images with overlay and detection, depth images, and the view of them on the pages about one flight.
import { element, make, setText } from "./page.js";
import { drawOnChange, fitCanvas, rem, rgb } from "./theme.js";

const DEPTH_STOPS = [[253, 231, 37], [94, 201, 98], [33, 145, 140], [59, 82, 139], [68, 1, 84]]; // near to far
const SATURATED = 255; // at the largest distance or beyond

// The camera's image with an overlay, as opaque as the slider says, and the pixels of each class.
export class CameraView {
  #canvas = element("camera-view");
  #opacity = element("opacity");
  #shown = {};

  constructor() {
    this.#opacity.addEventListener("input", () => this.#draw());
    drawOnChange(this.#canvas, () => this.#draw());
  }

  // Shows a frame ({ size, detection, range }) of that name, its image and overlay (both canvases or bitmaps), and the
  // counts of pixels ({ hero, people }); {} for none, a `problem` for one that has no image.
  show(shown) {
    this.#shown = shown;
    this.#draw();
  }

  #draw() {
    const { name = "", title, frame, image, overlay, counts, problem } = this.#shown;
    setText(element("opacity-value"), `${this.#opacity.value} %`);
    element("camera-empty").hidden = Boolean(image);
    setText(element("camera-empty"), problem ?? "No image yet");
    if (image) drawPicture(this.#canvas, image, overlay, this.#opacity.value / 100, frame);
    else fitCanvas(this.#canvas);
    for (const key of ["hero", "people"]) setText(element(`${key}-pixels`), counts ? `${counts[key]} px` : "–");
    const away = frame?.range ? `, ${frame.range.metres.toFixed(1)} metres away` : "";
    const label = frame && `${title}: ${frame.detection ? `target detected${away}` : "target not detected"}`;
    this.#canvas.ariaLabel = label ?? "Camera image; no frame yet";
    this.#canvas.dataset.frame = name;
  }
}

// Returns a function of a key and further arguments that remembers the latest results of `load`, which are promises. One
// that fails is not remembered.
export function remember(size, load) {
  const results = new Map();
  const begin = (key, given) => {
    const result = load(...given);
    result.catch(() => results.delete(key));
    return result;
  };
  return (key, ...given) => {
    const result = results.get(key) ?? begin(key, given);
    results.delete(key); // and to the end: the first one is the oldest
    results.set(key, result);
    if (results.size > size) results.delete(results.keys().next().value);
    return result;
  };
}

// Returns why an image is not shown: of what it was made of, something could not be fetched or decoded.
export function whyNot(error) {
  return error instanceof TypeError ? "did not arrive" : "cannot be read"; // the former: `fetch` without an answer
}

// Draws an image as large as its canvas allows, with an overlay of the same extent (null: none) and the detection.
export function drawPicture(canvas, image, overlay, opacity, { size: [height, width], detection, range }) {
  const context = fitCanvas(canvas);
  const scale = Math.min(canvas.clientWidth / width, canvas.clientHeight / height);
  context.translate((canvas.clientWidth - width * scale) / 2, (canvas.clientHeight - height * scale) / 2);
  context.scale(scale, scale);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  if (overlay) {
    context.imageSmoothingEnabled = false;
    context.globalAlpha = opacity;
    context.drawImage(overlay, 0, 0, width, height);
    context.globalAlpha = 1;
  }
  if (detection) drawDetection(context, detection, range, [height, width], rem() / 16 / scale);
}

// Paints classes and counts their pixels; `classOf` returns 2 (hero), 1 (people) or 0 for a pixel, row by row.
export function paintClasses(canvas, rows, columns, classOf) {
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  const words = new Uint32Array(pixels.data.buffer);
  const inks = [0, packed(rgb("--overlay-people")), packed(rgb("--overlay-hero"))];
  const counts = [0, 0, 0];
  for (let i = 0; i < words.length; i++) {
    const label = classOf(i);
    words[i] = inks[label];
    counts[label]++;
  }
  context.putImageData(pixels, 0, 0);
  return { people: counts[1], hero: counts[2] };
}

// Returns a depth image (a Blob) in colours.
export async function readDepth(blob) {
  const pixels = await readPixels(blob);
  const table = Uint32Array.from({ length: 256 }, (_, byte) => packed(depthColour(byte)));
  const words = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = table[pixels.data[4 * i]];
  const canvas = make("canvas", { width: pixels.width, height: pixels.height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

// Returns a class mask (a Blob; red: background, green: people, blue: hero) in the colours of the overlay.
export async function readMask(blob) {
  const { width, height, data } = await readPixels(blob);
  const canvas = make("canvas");
  paintClasses(canvas, height, width, (i) => (data[4 * i + 2] ? 2 : data[4 * i + 1] ? 1 : 0));
  return canvas;
}

async function readPixels(blob) { // exactly as in the file
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = make("canvas", { width: bitmap.width, height: bitmap.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function drawDetection(context, { box: [top, left, bottom, right], centroid }, range, size, unit) {
  const margin = 3 * unit;
  const corner = Math.min(10 * unit, (right - left) / 2 + margin, (bottom - top) / 2 + margin);
  const [l, t, r, b] = [left - margin, top - margin, right + margin, bottom + margin];
  const path = new Path2D();
  for (const [x, y, dx, dy] of [[l, t, 1, 1], [r, t, -1, 1], [r, b, -1, -1], [l, b, 1, -1]]) {
    path.moveTo(x + dx * corner, y);
    path.lineTo(x, y);
    path.lineTo(x, y + dy * corner);
  }
  if (centroid) {
    const [y, x] = centroid.map((place) => place + 0.5); // pixel centres are at integers
    path.moveTo(x - 5 * unit, y);
    path.lineTo(x + 5 * unit, y);
    path.moveTo(x, y - 5 * unit);
    path.lineTo(x, y + 5 * unit);
  }
  context.lineJoin = context.lineCap = "round";
  for (const [width, ink] of [[4.5, "rgb(0 0 0 / 0.55)"], [2, "#fff"]]) {
    context.lineWidth = width * unit;
    context.strokeStyle = ink;
    context.stroke(path);
  }
  if (range) drawLabel(context, `${range.metres.toFixed(1)} m`, r, t, size, unit);
}

function drawLabel(context, text, right, top, [height, width], unit) {
  const size = 13 * unit;
  context.font = `600 ${size}px system-ui, sans-serif`;
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

function depthColour(byte) {
  if (byte === SATURATED || byte === 0) return [24, 22, 30]; // 0: nothing was rendered there
  const place = Math.sqrt(byte / SATURATED) * (DEPTH_STOPS.length - 1); // people are near: more colours there
  const [low, part] = [Math.floor(place), place % 1];
  const next = DEPTH_STOPS[Math.min(low + 1, DEPTH_STOPS.length - 1)];
  return DEPTH_STOPS[low].map((value, i) => Math.round(value + part * (next[i] - value)));
}

function packed([red, green, blue]) { // as canvases store it; every current browser is little-endian
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}
