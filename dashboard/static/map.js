// The world from above: up is the world's x (forward), left its y. Drone, its view, the target: shapes of the SVG in
// flight.html, which have the world's coordinates, in metres.
import { element, onKeys, setText } from "./page.js";
import { rem } from "./theme.js";

const FAR = 100; // metres, the length of a view that does not end on the ground
const JUMP = 8; // metres between two frames that are not connected: another target, or a gap
const TRAIL_SECONDS = 60;
const ZOOM = 1.4; // of a click
const PAN = 40; // pixels of a key
const POINTS = ["camera", "ground_truth", "track"]; // of a frame

export class WorldMap {
  verticalFov = 60; // degrees
  #view = element("map-view");
  #button = element("map-follow");
  #frame = null;
  #rows = [];
  #center = [0, 0]; // metres, x and y of the world
  #reach = 30; // metres from the centre to the nearest edge
  #following = true;

  constructor() {
    const view = this.#view;
    new ResizeObserver(() => this.#draw()).observe(view);
    element("map-in").addEventListener("click", () => this.#zoom(1 / ZOOM));
    element("map-out").addEventListener("click", () => this.#zoom(ZOOM));
    this.#button.addEventListener("click", () => this.follow(!this.#following));
    view.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.#zoom(Math.exp(event.deltaY / 500));
    }, { passive: false });
    view.addEventListener("pointermove", (event) => {
      if (event.buttons !== 1) return;
      view.setPointerCapture(event.pointerId);
      this.#pan(event.movementX, event.movementY);
    });
    onKeys(view, {
      "ArrowLeft": () => this.#pan(PAN, 0),
      "ArrowRight": () => this.#pan(-PAN, 0),
      "ArrowUp": () => this.#pan(0, PAN),
      "ArrowDown": () => this.#pan(0, -PAN),
      "+": () => this.#zoom(1 / ZOOM),
      "-": () => this.#zoom(ZOOM),
      "f": () => this.follow(true),
    });
  }

  // Draws a frame; without one, the previous frame stays.
  show(frame, rows) {
    this.#frame = frame ?? this.#frame;
    this.#rows = rows;
    if (this.#frame && this.#following) this.#center = this.#frame.camera.slice(0, 2);
    this.#draw();
  }

  // The frames of a whole recording, whose trajectories are shown.
  setFrames(frames) {
    for (const name of POINTS) {
      const positions = frames.map((frame) => frame[name]).filter(Boolean);
      const near = ([x, y], other) => other && Math.hypot(x - other[0], y - other[1]) < JUMP;
      trace(element(`trajectory-${name}`), positions, near);
    }
  }

  // Shows the whole trajectories.
  showAll() {
    const { x, y, width, height } = element("map-trajectories").getBBox();
    this.follow(false);
    this.#center = [x + width / 2, y + height / 2];
    this.#reach = Math.max(width, height) / 2 + 5;
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

  get #scale() { // pixels of a metre
    const { clientWidth: width, clientHeight: height } = this.#view.parentElement;
    return Math.min(width, height) / 2 / this.#reach;
  }

  #draw() {
    const [scale, [x, y]] = [this.#scale, this.#center];
    if (!scale) return;
    const { clientWidth: width, clientHeight: height } = this.#view.parentElement;
    const corner = [width / 2 + y * scale, height / 2 + x * scale];
    set("map-world", "transform", `matrix(0 ${-scale} ${-scale} 0 ${corner})`);
    this.#drawGrid(scale, height / 2 / scale, width / 2 / scale);
    if (this.#frame) this.#drawFlight((0.72 * rem()) / scale);
    this.#describe();
  }

  #drawGrid(scale, reachX, reachY) {
    const step = niceStep((4 * rem()) / scale);
    const [x, y] = this.#center;
    const across = (metres) => `M${metres} ${y - reachY}V${y + reachY}`;
    const along = (metres) => `M${x - reachX} ${metres}H${x + reachX}`;
    let lines = "";
    for (let at = Math.ceil((x - reachX) / step) * step; at < x + reachX; at += step) lines += across(at);
    for (let at = Math.ceil((y - reachY) / step) * step; at < y + reachY; at += step) lines += along(at);
    set("map-grid", "d", lines);
    set("map-origin", "d", across(0) + along(0));
    element("map-scale").style.width = `${step * scale}px`;
    setText(element("map-scale"), `${+step.toPrecision(2)} m`);
  }

  #drawFlight(size) { // of the symbols, in metres
    const { camera, body, track, ground_truth: truth, point, time } = this.#frame;
    const outline = this.#outline(camera);
    set("map-area", "points", outline.join(" "));
    set("map-rays", "points", [outline[0], camera.slice(0, 2), outline[1]].join(" "));
    const rows = this.#rows.filter((row) => row.time > time - TRAIL_SECONDS);
    for (const name of POINTS) showTrail([...element(`trail-${name}`).children], rows.map((row) => row[name]));
    place("map-truth", truth, size);
    place("map-point", point, size);
    place("map-track", track, size);
    place("map-measured", point && track, size);
    place("map-drone", camera, size, body[5]);
  }

  // The corners of the ground in the camera's view: far left, far right, near right, near left.
  #outline([x, y, z, roll, pitch, yaw]) {
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
    const where = ([x, y]) => `at x ${x.toFixed(0)}, y ${y.toFixed(0)}`;
    const target = track ? `; the target ${where(track)}` : "";
    this.#view.ariaLabel = camera
      ? `Map: the drone is ${where(camera)} metres, ${camera[2].toFixed(0)} up${target}`
      : "Map; no position yet";
    this.#view.dataset.camera = camera?.slice(0, 2) ?? "";
    element("truth-key").hidden = !truth;
    const off = truth && track && Math.hypot(track[0] - truth[0], track[1] - truth[1]);
    setText(element("truth-error"), truth && track ? `(${off.toFixed(1)} m off)` : "");
  }

  #zoom(factor) {
    this.#reach = Math.min(Math.max(this.#reach * factor, 3), 2000);
    this.#draw();
  }

  #pan(right, down) {
    this.#center = [this.#center[0] + down / this.#scale, this.#center[1] + right / this.#scale];
    if (this.#following) this.follow(false);
    this.#draw();
  }
}

function set(id, attribute, value) {
  element(id).setAttribute(attribute, value);
}

// Draws a line through positions; `connected` is called with each and the one before.
function trace(path, positions, connected) {
  const parts = positions.map((each, i) => each && `${connected(each, positions[i - 1]) ? "L" : "M"}${each[0]} ${each[1]}`);
  path.setAttribute("d", parts.join(""));
}

// Draws a trail by paths of more and more opacity; positions may be missing.
function showTrail(paths, positions) {
  const start = (step) => Math.floor((step * positions.length) / paths.length);
  paths.forEach((path, step) => {
    trace(path, positions.slice(Math.max(start(step) - 1, 0), start(step + 1)), (each, last) => last);
  });
}

function place(id, position, size, angle = 0) {
  element(id).toggleAttribute("hidden", !position);
  const [x, y] = position ?? [0, 0];
  set(id, "transform", `translate(${x} ${y}) scale(${size}) rotate(${(angle * 180) / Math.PI})`);
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
