// The frames of a recording, read from its frames.jsonl; what is added while it is being recorded is loaded later.
import { callAddress } from "./recording.js";

const LONGEST_STEP = 1; // seconds that the player spends on a gap, where nothing was recorded
const UNKNOWN_STEP = 0.2; // seconds between frames of a recording without times
const NAME = /^[\w-][\w.-]*$/;

// What labels are, by who made them: as `LabelSource` in dataset/schema.py.
export const LABEL_SOURCES = {
  simulator: "ground truth",
  person: "ground truth, by a person",
  propagated: "propagated, not looked at",
  model: "pseudo-labels",
};

export class Frames {
  all = []; // in order
  shown = 0; // index of the one that is shown
  #name;
  #read = 0; // bytes
  #byName = new Map();

  constructor(name) {
    this.#name = name;
  }

  // Returns whether there were new frames. With `afresh`, all are read again: labels of known ones may have changed.
  async load(afresh = false) {
    if (afresh) this.#read = 0;
    const answer = await fetch(`${callAddress(this.#name, "frames")}?from=${this.#read}`, { cache: "no-store" });
    if (!answer.ok) throw new Error((await answer.json()).error);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const end = bytes.lastIndexOf(10) + 1; // the last line may still be being written
    if (!end) return false;
    if (afresh) this.#byName.clear();
    this.#read += end;
    const text = new TextDecoder().decode(bytes.subarray(0, end - 1));
    for (const line of text.split("\n")) {
      const frame = readFrame(line);
      if (frame) this.#byName.set(frame.name, frame);
    }
    this.all = [...this.#byName.values()].sort(byName);
    // The playing time of each, in seconds.
    this.all.forEach((frame, i) => (frame.time = i && this.all[i - 1].time + step(this.all[i - 1], frame)));
    return true;
  }

  // Index of the last frame at or before a playing time.
  at(seconds) {
    return Math.max(this.all.findLastIndex((frame) => frame.time <= seconds), 0);
  }
}

// As dataset/recordings/frame_record.py sorts: 1000000 after 999999.
function byName({ name: one }, { name: other }) {
  return one.length - other.length || (one < other ? -1 : 1);
}

function step(one, other) {
  const clock = one.timestamp !== null && other.timestamp !== null ? "timestamp" : "received";
  if (one[clock] === null || other[clock] === null) return UNKNOWN_STEP;
  return Math.min(Math.max(other[clock] - one[clock], 0.001), LONGEST_STEP);
}

// What the page needs of a line; null where it is not a frame. Nothing in it is trusted.
function readFrame(line) {
  let value;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isName(value?.frame) || !isName(value.image)) return null;
  if (!Number.isFinite(value.hero_pixels) || !Number.isFinite(value.people_pixels)) return null;
  const [box, centroid] = [numbers(value.detection?.box, 4), numbers(value.detection?.centroid, 2)];
  const [metres, body] = [number(value.range?.metres), pose(value.pose)];
  return {
    name: value.frame,
    image: value.image,
    source: value.label_source,
    hero: value.hero_pixels,
    people: value.people_pixels,
    depth: value.depth !== false,
    timestamp: number(value.timestamp),
    received: number(value.received),
    camera: pose(value.gimbal_pose) ?? body,
    body: body ?? pose(value.gimbal_pose),
    state: text(value.state),
    changed: value.changed === true,
    detection: box && centroid && { box, centroid },
    range: metres === null ? null : { metres },
    point: numbers(value.world_point, 3),
    track: numbers(value.track_point, 3),
    ground_truth: numbers(value.ground_truth_target, 3),
    note: text(value.note),
  };
}

const isName = (value) => typeof value === "string" && NAME.test(value);
const text = (value) => (typeof value === "string" ? value : null);
const number = (value) => (Number.isFinite(value) ? value : null);

function numbers(value, count) {
  return Array.isArray(value) && value.length === count && value.every(Number.isFinite) ? value : null;
}

function pose(value) { // degrees in the file, radians here
  return numbers(value, 6)?.map((each, i) => (i < 3 ? each : (each * Math.PI) / 180)) ?? null;
}
