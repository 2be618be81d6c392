// The world from above: up is the world's x (forward), left its y. Drone, its view, the target.
import { element, setText } from "./page.js";
import { dot, drone, line, polygon, ring, trail, trajectory } from "./shapes.js";
import { colour, drawOnChange, fitCanvas, rem } from "./theme.js";

const FAR = 100; // metres, the length of a view that does not end on the ground
const TRAIL_SECONDS = 60;
const INKS = { camera: "--accent", ground_truth: "--truth", track: "--hero" };

export class WorldMap {
  verticalFov = 60;
  #canvas;
  #frame = null;
  #rows = [];
  #trajectories = null; // of a whole recording: { camera, track, ground_truth }, a position or null for each frame
  #center = [0, 0]; // metres, x and y of the world
  #reach = 30; // metres from the centre to the nearest edge
  #following = true;
  #button = element("map-follow");

  constructor(canvas) {
    this.#canvas = canvas;
    drawOnChange(canvas, () => this.#draw());
    element("map-in").addEventListener("click", () => this.#zoom(1 / 1.4));
    element("map-out").addEventListener("click", () => this.#zoom(1.4));
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
    canvas.addEventListener("keydown", (event) => this.#onKey(event));
  }

  show(frame, rows) {
    if (frame) this.#frame = frame;
    this.#rows = rows;
    if (this.#frame && this.#following) this.#center = this.#frame.camera.slice(0, 2);
    this.#draw();
  }

  setTrajectories(trajectories) {
    this.#trajectories = trajectories;
  }

  // Shows the whole trajectories.
  showAll() {
    const positions = Object.values(this.#trajectories ?? {}).flat().filter(Boolean);
    if (!positions.length) return;
    const [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
    for (const position of positions) {
      for (const axis of [0, 1]) {
        low[axis] = Math.min(low[axis], position[axis]);
        high[axis] = Math.max(high[axis], position[axis]);
      }
    }
    this.follow(false);
    this.#center = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
    this.#reach = Math.max(high[0] - low[0], high[1] - low[1]) / 2 + 5;
    this.#zoom(1.05);
  }

  follow(wanted) {
    this.#following = wanted;
    this.#button.setAttribute("aria-pressed", wanted);
    this.show(null, this.#rows);
  }

  clear() {
    this.#frame = null;
    this.#rows = [];
    this.#draw();
  }

  #draw() {
    const context = fitCanvas(this.#canvas);
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    if (!width || !height) return;
    const scale = Math.min(width, height) / 2 / this.#reach;
    const at = ([x, y]) => [width / 2 - (y - this.#center[1]) * scale, height / 2 - (x - this.#center[0]) * scale];
    const size = 0.72 * rem();
    context.font = `${size}px system-ui, sans-serif`;
    this.#drawGrid(context, width, height, scale, at, size);
    if (this.#frame) this.#drawFlight(context, at, size);
    this.#describe();
  }

  #drawGrid(context, width, height, scale, at, size) {
    const step = niceStep((5.5 * size) / scale);
    context.lineWidth = 1;
    context.fillStyle = colour("--muted");
    const [reachX, reachY] = [height / 2 / scale, width / 2 / scale];
    for (let x = Math.ceil((this.#center[0] - reachX) / step) * step; x < this.#center[0] + reachX; x += step) {
      const [, row] = at([x, 0]);
      line(context, [0, row], [width, row], "--line", Math.abs(x) < 1e-6 ? 1 : 0.6);
    }
    for (let y = Math.ceil((this.#center[1] - reachY) / step) * step; y < this.#center[1] + reachY; y += step) {
      const [column] = at([0, y]);
      line(context, [column, 0], [column, height], "--line", Math.abs(y) < 1e-6 ? 1 : 0.6);
    }
    const [left, bottom] = [0.8 * size, height - 0.9 * size]; // the scale and the axes
    context.beginPath();
    context.moveTo(left, bottom - 0.4 * size);
    context.lineTo(left, bottom);
    context.lineTo(left + step * scale, bottom);
    context.lineTo(left + step * scale, bottom - 0.4 * size);
    context.strokeStyle = colour("--muted");
    context.lineWidth = 1.5;
    context.stroke();
    context.fillText(`${+step.toPrecision(2)} m`, left + 0.4 * size, bottom - 0.5 * size);
    context.textAlign = "right";
    context.fillText("↑ x   ← y", width - 0.8 * size, bottom);
    context.textAlign = "left";
  }

  #drawFlight(context, at, size) {
    const { camera, body, track, ground_truth: truth, point, time } = this.#frame;
    const rows = this.#rows.filter((row) => row.time > time - TRAIL_SECONDS);
    const { outline, apex } = this.#view(camera);
    polygon(context, outline.map(at));
    context.fillStyle = colour("--accent", 0.16);
    context.fill();
    context.strokeStyle = colour("--accent", 0.45);
    context.lineWidth = 1;
    context.stroke();
    for (const corner of outline.slice(0, 2)) line(context, at(apex), at(corner), "--accent", 0.3);
    for (const [name, ink] of Object.entries(INKS)) trajectory(context, this.#trajectories?.[name] ?? [], at, ink);
    trail(context, rows.map((row) => row.camera), at, "--accent");
    trail(context, rows.map((row) => row.ground_truth), at, "--truth");
    trail(context, rows.map((row) => row.track), at, "--hero");
    if (truth) ring(context, at(truth), 0.62 * size, "--truth");
    if (point) dot(context, at(point), 0.16 * size, "--text");
    if (track) {
      dot(context, at(track), 0.36 * size, "--hero");
      if (point) ring(context, at(track), 0.75 * size, "--hero");
    }
    drone(context, at(camera), body[5], 0.85 * size);
  }

  // The ground in the camera's view: its corners (far left, far right, near right, near left), and the camera.
  #view([x, y, z, roll, pitch, yaw]) {
    const slope = Math.tan((this.verticalFov * Math.PI) / 360);
    const corners = [[slope, slope], [-slope, slope], [-slope, -slope], [slope, -slope]]; // left, up
    const outline = corners.map(([left, up]) => {
      const [dx, dy, dz] = rotate([1, left, up], roll, pitch, yaw);
      const flat = Math.hypot(dx, dy);
      const reach = dz < 0 && z > 0 ? Math.min((z / -dz) * flat, FAR) : FAR;
      return [x + (dx / flat) * reach, y + (dy / flat) * reach];
    });
    return { outline, apex: [x, y] };
  }

  #describe() {
    let label = "Map; no position yet";
    const { camera, track, ground_truth: truth } = this.#frame ?? {};
    element("truth-key").hidden = !truth;
    if (camera) {
      label = `Map: the drone is at x ${camera[0].toFixed(0)}, y ${camera[1].toFixed(0)} metres, ${camera[2].toFixed(0)} up`;
      if (track) label += `; the target at x ${track[0].toFixed(0)}, y ${track[1].toFixed(0)}`;
    }
    if (truth) {
      const off = track ? Math.hypot(track[0] - truth[0], track[1] - truth[1]) : null;
      setText(element("truth-error"), off === null ? "" : `(${off.toFixed(1)} m off)`);
    }
    this.#canvas.setAttribute("aria-label", label);
    this.#canvas.dataset.camera = camera ? camera.slice(0, 2).join(",") : "";
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

  #onKey(event) {
    const step = 40;
    const actions = {
      ArrowLeft: () => this.#pan(step, 0),
      ArrowRight: () => this.#pan(-step, 0),
      ArrowUp: () => this.#pan(0, step),
      ArrowDown: () => this.#pan(0, -step),
      "+": () => this.#zoom(1 / 1.4),
      "-": () => this.#zoom(1.4),
      f: () => this.follow(true),
    };
    if (!(event.key in actions) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
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
