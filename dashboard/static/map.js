// The world from above: up is the world's x (forward), left its y. Drone, its view, the target.
import { element, onKeys, setText } from "./page.js";
import { circle, drone, line, polygon, trail, trajectory } from "./shapes.js";
import { colour, drawOnChange, fitCanvas, rem } from "./theme.js";

const FAR = 100; // metres, the length of a view that does not end on the ground
const TRAIL_SECONDS = 60;
const ZOOM = 1.4; // of a click
const PAN = 40; // pixels of a key
const INKS = { camera: "--accent", ground_truth: "--truth", track: "--hero" };

export class WorldMap {
  verticalFov = 60; // degrees
  trajectories = {}; // of a whole recording: for each of INKS a position or null for each frame
  #canvas = element("map-view");
  #button = element("map-follow");
  #frame = null;
  #rows = [];
  #center = [0, 0]; // metres, x and y of the world
  #reach = 30; // metres from the centre to the nearest edge
  #following = true;

  constructor() {
    const canvas = this.#canvas;
    drawOnChange(canvas, () => this.#draw());
    element("map-in").addEventListener("click", () => this.#zoom(1 / ZOOM));
    element("map-out").addEventListener("click", () => this.#zoom(ZOOM));
    this.#button.addEventListener("click", () => this.follow(!this.#following));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.#zoom(Math.exp(event.deltaY / 500));
    }, { passive: false });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons !== 1) return;
      canvas.setPointerCapture(event.pointerId);
      this.#pan(event.movementX, event.movementY);
    });
    onKeys(canvas, {
      "ArrowLeft": () => this.#pan(PAN, 0),
      "ArrowRight": () => this.#pan(-PAN, 0),
      "ArrowUp": () => this.#pan(0, PAN),
      "ArrowDown": () => this.#pan(0, -PAN),
      "+": () => this.#zoom(1 / ZOOM),
      "-": () => this.#zoom(ZOOM),
      "f": () => this.follow(true),
    });
  }

  // Without a frame the last one stays.
  show(frame, rows) {
    this.#frame = frame ?? this.#frame;
    this.#rows = rows;
    if (this.#frame && this.#following) this.#center = this.#frame.camera.slice(0, 2);
    this.#draw();
  }

  // Shows the whole trajectories.
  showAll() {
    const positions = Object.values(this.trajectories).flat().filter(Boolean);
    if (!positions.length) return;
    const [x, y] = [0, 1].map((axis) => positions.reduce(
      ([low, high], position) => [Math.min(low, position[axis]), Math.max(high, position[axis])],
      [Infinity, -Infinity],
    ));
    this.follow(false);
    this.#center = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2];
    this.#reach = Math.max(x[1] - x[0], y[1] - y[0]) / 2 + 5;
    this.#zoom(1.05);
  }

  follow(wanted) {
    this.#following = wanted;
    this.#button.ariaPressed = wanted;
    this.show(null, this.#rows);
  }

  clear() {
    [this.#frame, this.#rows] = [null, []];
    this.#draw();
  }

  #draw() {
    const context = fitCanvas(this.#canvas);
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!width || !height) return;
    const scale = Math.min(width, height) / 2 / this.#reach;
    const at = ([x, y]) => [width / 2 - (y - this.#center[1]) * scale, height / 2 - (x - this.#center[0]) * scale];
    this.#drawGrid(context, scale, at);
    if (this.#frame) this.#drawFlight(context, at, 0.72 * rem());
    this.#describe();
  }

  #drawGrid(context, scale, at) {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const step = niceStep((4 * rem()) / scale);
    context.lineWidth = 1;
    for (const [axis, reach] of [height, width].map((pixels) => pixels / 2 / scale).entries()) {
      const [from, end] = [this.#center[axis] - reach, this.#center[axis] + reach];
      for (let metres = Math.ceil(from / step) * step; metres < end; metres += step) {
        const [column, row] = at([metres, metres]);
        const ends = axis ? [[column, 0], [column, height]] : [[0, row], [width, row]];
        line(context, ...ends, "--line", Math.abs(metres) < 1e-6 ? 1 : 0.6);
      }
    }
    element("map-scale").style.width = `${step * scale}px`;
    setText(element("map-scale"), `${+step.toPrecision(2)} m`);
  }

  #drawFlight(context, at, size) {
    const { camera, body, track, ground_truth: truth, point, time } = this.#frame;
    const outline = this.#view(camera);
    polygon(context, outline.map(at));
    context.fillStyle = colour("--accent", 0.16);
    context.fill();
    context.strokeStyle = colour("--accent", 0.45);
    context.lineWidth = 1;
    context.stroke();
    for (const corner of outline.slice(0, 2)) line(context, at(camera), at(corner), "--accent", 0.3);
    const rows = this.#rows.filter((row) => row.time > time - TRAIL_SECONDS);
    for (const [name, ink] of Object.entries(INKS)) trajectory(context, this.trajectories[name] ?? [], at, ink);
    for (const [name, ink] of Object.entries(INKS)) trail(context, rows.map((row) => row[name]), at, ink);
    if (truth) circle(context, at(truth), 0.62 * size, "--truth");
    if (point) circle(context, at(point), 0.16 * size, "--text", true);
    if (track) circle(context, at(track), 0.36 * size, "--hero", true);
    if (track && point) circle(context, at(track), 0.75 * size, "--hero");
    drone(context, at(camera), body[5], 0.85 * size);
  }

  // The corners of the ground in the camera's view: far left, far right, near right, near left.
  #view([x, y, z, roll, pitch, yaw]) {
    const slope = Math.tan((this.verticalFov * Math.PI) / 360);
    const corners = [[slope, slope], [-slope, slope], [-slope, -slope], [slope, -slope]]; // left, up
    return corners.map(([left, up]) => {
      const [dx, dy, dz] = rotate([1, left, up], roll, pitch, yaw);
      const flat = Math.hypot(dx, dy);
      const reach = dz < 0 && z > 0 ? Math.min((z / -dz) * flat, FAR) : FAR;
      return [x + (dx / flat) * reach, y + (dy / flat) * reach];
    });
  }

  #describe() {
    const { camera, track, ground_truth: truth } = this.#frame ?? {};
    const place = ([x, y]) => `at x ${x.toFixed(0)}, y ${y.toFixed(0)}`;
    const target = track ? `; the target ${place(track)}` : "";
    this.#canvas.ariaLabel = camera
      ? `Map: the drone is ${place(camera)} metres, ${camera[2].toFixed(0)} up${target}`
      : "Map; no position yet";
    this.#canvas.dataset.camera = camera?.slice(0, 2) ?? "";
    element("truth-key").hidden = !truth;
    const off = truth && track && Math.hypot(track[0] - truth[0], track[1] - truth[1]);
    setText(element("truth-error"), truth && track ? `(${off.toFixed(1)} m off)` : "");
  }

  #zoom(factor) {
    this.#reach = Math.min(Math.max(this.#reach * factor, 3), 2000);
    this.#draw();
  }

  #pan(right, down) {
    const scale = Math.min(this.#canvas.clientWidth, this.#canvas.clientHeight) / 2 / this.#reach;
    this.#center = [this.#center[0] + down / scale, this.#center[1] + right / scale];
    if (this.#following) this.follow(false);
    this.#draw();
  }
}

function rotate([x, y, z], roll, pitch, yaw) { // Rz(yaw) Ry(pitch) Rx(roll)
  [y, z] = [y * Math.cos(roll) - z * Math.sin(roll), y * Math.sin(roll) + z * Math.cos(roll)];
  [x, z] = [x * Math.cos(pitch) + z * Math.sin(pitch), -x * Math.sin(pitch) + z * Math.cos(pitch)];
  return [x * Math.cos(yaw) - y * Math.sin(yaw), x * Math.sin(yaw) + y * Math.cos(yaw), z];
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * [1, 2, 5, 10].find((step) => step * power >= least);
}
