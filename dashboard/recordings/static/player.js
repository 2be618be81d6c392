// The page of one recording: connects its frames, the screen, the map, the scrubber and the statistics.
import { ask, setUpUnlocking } from "../../static/calls.js";
import { WorldMap } from "../../static/map.js";
import { clockTime, duration, element, make, onKeys, setText } from "../../static/page.js";
import { Frames } from "./frames.js";
import { Playback } from "./playback.js";
import { callAddress, dateAndTime, playingTime, STATES } from "./recording.js";
import { Screen } from "./screen.js";
import { Selection } from "./selection.js";
import { setUpStatistics } from "./statistics.js";
import { Strip } from "./strip.js";

const REFRESH = 1000; // milliseconds, while it is being recorded
const TRAIL_SECONDS = 60;
const MAX_MOMENTS = 500;
const FOLLOWER_STATES = { found: "following", searching: "searching", lost: "lost" };
const name = decodeURIComponent(location.pathname.split("/").at(-1));

const frames = new Frames(name);
const screen = new Screen(name);
const map = new WorldMap();
const selection = new Selection(name, frames, showFrames);
const showStatistics = setUpStatistics(name, showWrongTarget);
const strip = new Strip(seek, (range) => selection.set(range));
const playback = new Playback(frames, screen, seek);
let growing = false; // while it is being recorded
let wrongTarget = new Set(); // names of frames in which the wrong person was followed

async function refresh() {
  try {
    const about = await ask(callAddress(name));
    growing = about.state === "recording";
    show(about, await frames.load());
  } catch (error) {
    setText(element("complaint"), error.message);
  }
  if (growing) setTimeout(refresh, REFRESH);
}

function show(about, grown) {
  const angle = about.meta.settings?.agent?.vertical_fov;
  if (angle > 0 && angle < 180) map.verticalFov = angle;
  selection.hidden = new Set(about.hidden);
  element("recording-state").hidden = about.state === "finished";
  element("recording-state").dataset.state = about.state;
  setText(element("recording-state"), STATES[about.state] ?? "");
  setText(element("summary"), describe(about.meta));
  if (grown) {
    map.setFrames(frames.all);
    showMoments();
    if (!screen.shown) map.showAll();
  }
  showFrames();
  setText(element("complaint"), frames.all.length ? "" : "There are no frames in this recording.");
}

// Lists the moments to jump to: target found or lost, marks.
function showMoments() {
  const lines = frames.all.flatMap(({ note, changed, state, range }, index) => {
    const away = range ? `, ${range.metres.toFixed(1)} m away` : "";
    const mark = note ? [makeMoment(index, "mark", note)] : [];
    return changed && state in FOLLOWER_STATES ? [...mark, makeMoment(index, state, state + away)] : mark;
  });
  const shown = lines.slice(0, MAX_MOMENTS);
  const list = element("moment-lines");
  if (shown.length !== list.childElementCount) list.replaceChildren(...shown); // otherwise keep the focus
}

function makeMoment(index, kind, text) {
  const button = make("button", { type: "button" }, make("span", {}, playingTime(frames.seconds[index])), make("span", {}, text));
  button.addEventListener("click", () => seek(index));
  return make("li", { dataset: { kind } }, button);
}

function showFrames() { // after a change of the frames, of the selection, or of what is hidden
  strip.setFrames(frames.all, selection.hidden, wrongTarget);
  showStatistics(selection.expression ?? "all");
  setText(element("statistics-of"), `Statistics of ${selection.range ? selection.name : "the whole recording"}`);
  seek(frames.shown);
}

function showWrongTarget(statistics) {
  wrongTarget = new Set(statistics.wrong_target_frames);
  element("wrong-target-key").hidden = !wrongTarget.size;
  strip.setFrames(frames.all, selection.hidden, wrongTarget);
  seek(frames.shown);
}

function seek(index, upcoming = []) {
  if (!frames.all.length) return;
  frames.shown = Math.min(Math.max(index, 0), frames.all.length - 1);
  const frame = frames.all[frames.shown];
  screen.show(frame, upcoming);
  showOnMap(frame);
  const description = describePosition(frame);
  setText(element("position"), description);
  strip.show(frames.shown, selection.range, description);
  selection.show();
}

function showOnMap(frame) {
  if (!frame.camera) return;
  const time = frames.seconds[frames.shown];
  const first = frames.at(time - TRAIL_SECONDS);
  const trail = frames.all.slice(first, frames.shown + 1).map((each, i) => ({ ...each, time: frames.seconds[first + i] }));
  map.show({ ...frame, body: frame.body ?? frame.camera, time }, trail);
}

function describe(meta) {
  const parts = [dateAndTime(meta.started), duration(frames.seconds.at(-1) ?? 0), `${frames.all.length} frames`];
  if (typeof meta.model?.description === "string") parts.push(meta.model.description);
  if (typeof meta.end_reason === "string") parts.push(meta.end_reason);
  return parts.join(" · ");
}

function describePosition(frame) {
  const parts = [playingTime(frames.seconds[frames.shown], 1), `frame ${frame.name}`];
  if (frame.received !== null) parts.push(clockTime(frame.received));
  if (wrongTarget.has(frame.name)) parts.push("following the wrong person");
  else if (frame.state) parts.push(FOLLOWER_STATES[frame.state] ?? frame.state);
  if (selection.hidden.has(frame.name)) parts.push("hidden");
  if (frame.note) parts.push(`“${frame.note}”`);
  return parts.join(" · ");
}

element("map-whole").addEventListener("click", () => map.showAll());
onKeys(document, { ...playback.keys, ...selection.keys });
setUpUnlocking([element("control-set")], element("control-error"))();
setText(element("name"), name);
document.title = `${name} · Follow me`;
map.follow(false);
refresh();
