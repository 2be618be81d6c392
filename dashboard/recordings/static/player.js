// The page of one recording: connects its frames, the screen, the map, the scrubber and the statistics. A range of
// frames can be selected, to hide it from training or to restore it; without one, the frame that is shown is meant.
import { fetchJson, post, setUpUnlocking } from "../../static/calls.js";
import { WorldMap } from "../../static/map.js";
import { clockTime, duration, element, make, onKeys, setText } from "../../static/page.js";
import { Frames } from "./frames.js";
import { Playback } from "./playback.js";
import { callAddress, dateAndTime, playingTime, STATES } from "./recording.js";
import { Screen } from "./screen.js";
import { setUpStatistics } from "./statistics.js";
import { Strip } from "./strip.js";

const REFRESH = 1000; // milliseconds, while it is being recorded
const MAX_MOMENTS = 500;
const FOLLOWER_STATES = { found: "following", searching: "searching", lost: "lost" };
const name = decodeURIComponent(location.pathname.split("/").at(-1));

const frames = new Frames(name);
const screen = new Screen(name);
const map = new WorldMap();
const showStatistics = setUpStatistics(name, showWrongTarget);
const strip = new Strip(seek, select);
const playback = new Playback(frames, screen, seek);
let growing = false; // while it is being recorded
let hidden = new Set(); // names of frames that are hidden from training
let wrongTarget = new Set(); // names of frames in which the wrong person was followed
let range = null; // the selection: [first, last], indices

async function refresh(afresh = false) {
  try {
    const about = await fetchJson(callAddress(name));
    growing = about.state === "recording";
    show(about, await frames.load(afresh));
  } catch (error) {
    setText(element("page-error"), error.message);
  }
  if (growing) setTimeout(() => refresh(), REFRESH);
}

function show(about, grown) {
  const angle = about.meta.settings?.agent?.vertical_fov;
  if (angle > 0 && angle < 180) map.verticalFov = angle;
  hidden = new Set(about.hidden);
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
  setText(element("page-error"), frames.all.length ? "" : "There are no frames in this recording.");
}

// Lists the moments to jump to: target found or lost, marks.
function showMoments() {
  const lines = frames.all.flatMap(({ note, changed, state, range: distance }, index) => {
    const away = distance ? `, ${distance.metres.toFixed(1)} m away` : "";
    const mark = note ? [makeMoment(index, "mark", note)] : [];
    return changed && state in FOLLOWER_STATES ? [...mark, makeMoment(index, state, state + away)] : mark;
  });
  const shown = lines.slice(0, MAX_MOMENTS);
  const list = element("moment-lines");
  if (shown.length !== list.childElementCount) list.replaceChildren(...shown); // otherwise keep the focus
}

function makeMoment(index, kind, text) {
  const texts = [playingTime(frames.all[index].time), text].map((each) => make("span", {}, each));
  const button = make("button", { type: "button" }, ...texts);
  button.addEventListener("click", () => seek(index));
  return make("li", { dataset: { kind } }, button);
}

function showFrames() { // after a change of the frames, of the selection, or of what is hidden
  strip.setFrames(frames.all, hidden, wrongTarget);
  showStatistics(range ? selectedNames().join("-") : "all");
  setText(element("statistics-of"), `Statistics of ${range ? describeSelection() : "the whole recording"}`);
  seek(frames.shown);
}

function showWrongTarget(statistics) {
  wrongTarget = new Set(statistics.wrong_target_frames);
  element("wrong-target-key").hidden = !wrongTarget.size;
  strip.setFrames(frames.all, hidden, wrongTarget);
  seek(frames.shown);
}

function seek(index, upcoming = []) {
  if (!frames.all.length) return;
  frames.shown = Math.min(Math.max(index, 0), frames.all.length - 1);
  const frame = frames.all[frames.shown];
  screen.show(frame, upcoming);
  if (frame.camera) map.show(frame, frames.all.slice(0, frames.shown + 1));
  element("correct-labels").href = `/recordings/${encodeURIComponent(name)}/labels#${frame.name}`;
  const description = describePosition(frame);
  setText(element("position"), description);
  strip.show(frames.shown, range, description);
  setText(element("selection"), describeSelection());
  element("clear").hidden = !range;
  const [first, last] = selected();
  const count = frames.all.slice(first, last + 1).filter((each) => hidden.has(each.name)).length;
  element("hide").disabled = count === last - first + 1;
  element("restore").disabled = count === 0;
}

const selected = () => range ?? [frames.shown, frames.shown];
const selectedNames = () => selected().map((index) => frames.all[index].name);

function select(wanted) {
  range = wanted;
  showFrames();
}

async function hideOrRestore(action) {
  const answer = await post(callAddress(name, action), { frames: [selectedNames().join("-")] }, element("control-error"));
  if (answer) hidden = new Set(answer.hidden);
  showFrames();
}

function describe(meta) {
  const parts = [dateAndTime(meta.started), duration(frames.all.at(-1)?.time ?? 0), `${frames.all.length} frames`];
  if (typeof meta.model?.description === "string") parts.push(meta.model.description);
  if (typeof meta.end_reason === "string") parts.push(meta.end_reason);
  return parts.join(" · ");
}

function describePosition(frame) {
  const parts = [playingTime(frame.time, 1), `frame ${frame.name}`];
  if (frame.received !== null) parts.push(clockTime(frame.received));
  if (wrongTarget.has(frame.name)) parts.push("following the wrong person");
  else if (frame.state) parts.push(FOLLOWER_STATES[frame.state] ?? frame.state);
  if (hidden.has(frame.name)) parts.push("hidden");
  if (frame.note) parts.push(`“${frame.note}”`);
  return parts.join(" · ");
}

function describeSelection() {
  if (!range) return "this frame";
  const [first, last] = selectedNames();
  return first === last ? `frame ${first}` : `frames ${first} to ${last} (${range[1] - range[0] + 1})`;
}

const keys = {
  i: () => select([frames.shown, Math.max(selected()[1], frames.shown)]),
  o: () => select([Math.min(selected()[0], frames.shown), frames.shown]),
  Escape: () => select(null),
  c: () => element("correct-labels").click(),
};
onKeys(document, { ...playback.keys, ...keys });
const buttons = { begin: keys.i, end: keys.o, clear: keys.Escape, "map-whole": () => map.showAll() };
for (const [id, act] of Object.entries(buttons)) element(id).addEventListener("click", act);
for (const id of ["hide", "restore"]) element(id).addEventListener("click", () => hideOrRestore(id));
addEventListener("pageshow", ({ persisted }) => { // back from correcting labels, as the page was when it was left
  if (!persisted || growing) return;
  screen.forget();
  refresh(true);
});
setUpUnlocking([element("control-set")], element("control-error"))();
setText(element("name"), name);
document.title = `${name} · Follow me`;
map.follow(false);
refresh();
