// Shapes on a 2D context. `at` turns a position in the world into a point; `ink` is the name of a CSS variable.
import { colour } from "./theme.js";

const TRAIL_STEPS = 40; // of opacity, from faint to bright
const JUMP = 8; // metres between two frames that are not connected: another target, or a gap

export function line(context, from, to, ink, alpha) {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.strokeStyle = colour(ink, alpha);
  context.stroke();
}

export function polygon(context, points) {
  context.beginPath();
  points.forEach((point) => context.lineTo(...point));
  context.closePath();
}

export function trail(context, points, at, ink) { // fades out in a few steps, each of them one stroke
  context.lineWidth = 1.6;
  context.lineCap = "round";
  const steps = Math.min(points.length, TRAIL_STEPS);
  for (let i = 0; i < steps; i++) {
    const [first, end] = [i, i + 1].map((step) => Math.floor((step * points.length) / steps));
    context.beginPath();
    let drawing = false;
    for (const point of points.slice(Math.max(first - 1, 0), end)) {
      if (point) context[drawing ? "lineTo" : "moveTo"](...at(point));
      drawing = Boolean(point);
    }
    context.strokeStyle = colour(ink, 0.1 + (0.6 * (i + 1)) / steps);
    context.stroke();
  }
}

export function trajectory(context, positions, at, ink) {
  context.beginPath();
  let last = null;
  for (const position of positions) {
    if (!position) continue;
    const step = last && Math.hypot(position[0] - last[0], position[1] - last[1]) < JUMP;
    context[step ? "lineTo" : "moveTo"](...at(position));
    last = position;
  }
  context.lineWidth = 1.2;
  context.strokeStyle = colour(ink, 0.38);
  context.stroke();
}

export function circle(context, center, radius, ink, filled = false) {
  context.beginPath();
  context.arc(...center, radius, 0, 7);
  context.fillStyle = context.strokeStyle = colour(ink);
  context.lineWidth = 1.8;
  if (filled) context.fill();
  else context.stroke();
}

export function drone(context, [column, row], yaw, size) {
  context.save();
  context.translate(column, row);
  context.rotate(-yaw); // yaw turns left, as on the map; the arrow points up at 0
  polygon(context, [[0, -size], [0.72 * size, 0.8 * size], [0, 0.42 * size], [-0.72 * size, 0.8 * size]]);
  context.fillStyle = colour("--accent");
  context.strokeStyle = colour("--card");
  context.lineWidth = 2;
  context.fill();
  context.stroke();
  context.restore();
}
