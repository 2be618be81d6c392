// One recording: wires its frames, the screen, the map, the strip, the statistics, and hiding and restoring.
import { ask, call, setUpUnlocking } from "../../static/calls.js";
import { WorldMap } from "../../static/map.js";
import { duration, element, setText } from "../../static/page.js";
import { setUpTheme } from "../../static/theme.js";
import { Frames } from "./frames.js";
import { showMoments } from "./moments.js";
import { callAddress, moment, STATES } from "./runs.js";
import { Screen } from "./screen.js";
import { Statistics } from "./statistics.js";
import { Strip } from "./strip.js";

const REFRESH = 1000; // milliseconds, while it is being recorded
const TRAIL_SECONDS = 60;
const AHEAD = [1, 2, 3, 4]; // pictures that are fetched before they are due
const run = decodeURIComponent(location.pathname.split("/").at(-1));
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

const frames = new Frames(run);
const screen = new Screen(run);
const map = new WorldMap(element("map-view"));
const statistics = new Statistics();
const strip = new Strip({ onSeek: (index) => seek(index), onStretch: (first, last) => setStretch([first, last]) });
let hidden = new Set();
let at = 0; // index of the frame that is looked at
let stretch = null; // [first, last], indices
let playing = null; // since when, and from where: { began: milliseconds, from: seconds }

async function open() {
  setText(element("name"), run);
  document.title = `${run} · Follow me`;
  try {
    const about = await ask(callAddress(run));
    const [height, width] = Array.isArray(about.meta.frame_size) ? about.meta.frame_size : [];
    statistics.setFrameSize([height > 0 ? height : 256, width > 0 ? width : 256]);
    const angle = about.meta.settings?.agent?.vertical_fov;
    if (angle > 0 && angle < 180) map.verticalFov = angle;
    map.follow(false);
    await refresh(about);
  } catch (error) {
    complain("complaint", error.message);
  }
}

async function refresh(about) {
  const grown = await frames.load();
  hidden = new Set(about.hidden);
  element("run-state").hidden = about.state === "finished";
  element("run-state").dataset.state = about.state;
  setText(element("run-state"), STATES[about.state] ?? "");
  setText(element("summary"), summary(about.meta));
  if (grown) {
    element("astray-key").hidden = !frames.all.some((frame) => frame.astray);
    map.setWays(ways());
    showMoments(element("moment-lines"), frames, seek);
    if (!screen.shown) map.showAll();
  }
  showFrames();
  seek(at);
  complain("complaint", frames.all.length ? "" : "There are no frames in this recording.");
  if (about.state === "recording") setTimeout(refreshAgain, REFRESH);
}

async function refreshAgain() {
  try {
    await refresh(await ask(callAddress(run)));
  } catch (error) {
    complain("complaint", error.message);
    setTimeout(refreshAgain, 3 * REFRESH);
  }
}

function showFrames() { // after a change of what is hidden, selected or there
  strip.setFrames(frames.all, hidden);
  const chosen = stretch ? frames.all.slice(stretch[0], stretch[1] + 1) : frames.all;
  statistics.show(chosen, hidden, frames.unreadable);
  setText(element("statistics-of"), stretch ? `Statistics of ${stretchName()}` : "Statistics of the whole recording");
}

function seek(index, upcoming = []) {
  if (!frames.all.length) return;
  at = Math.min(Math.max(index, 0), frames.all.length - 1);
  const frame = frames.all[at];
  screen.show(frame, upcoming);
  showOnMap(frame);
  const words = position(frame);
  setText(element("position"), words);
  strip.show(at, stretch, words);
  showStretch();
  document.body.dataset.frame = frame.name;
}

function showOnMap(frame) {
  if (!frame.camera) return;
  const first = frames.at(frames.seconds[at] - TRAIL_SECONDS);
  const trail = frames.all.slice(first, at + 1).map((each, i) => ({ ...each, time: frames.seconds[first + i] }));
  map.show({ ...frame, body: frame.body ?? frame.camera, time: frames.seconds[at] }, trail);
}

function ways() {
  return Object.fromEntries(["camera", "track", "ground_truth"].map((name) => [name, frames.all.map((frame) => frame[name])]));
}

function summary(meta) {
  const parts = [moment(meta.started), duration(frames.seconds.at(-1) ?? 0), `${frames.all.length} frames`];
  if (typeof meta.model?.description === "string") parts.push(meta.model.description);
  if (typeof meta.end_reason === "string") parts.push(meta.end_reason);
  return parts.join(" · ");
}

function position(frame) {
  const seconds = frames.seconds[at];
  const parts = [`${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`, `frame ${frame.name}`];
  if (frame.received !== null) parts.push(clock.format(new Date(1000 * frame.received)));
  if (frame.astray) parts.push("following somebody else");
  else if (frame.state) parts.push({ found: "following", searching: "searching", lost: "lost" }[frame.state] ?? frame.state);
  if (hidden.has(frame.name)) parts.push("hidden");
  if (frame.note) parts.push(`“${frame.note}”`);
  return parts.join(" · ");
}

// Playing

function play(wanted) {
  if (wanted && at === frames.all.length - 1) seek(0);
  playing = wanted && frames.all.length ? { began: performance.now(), from: frames.seconds[at] } : null;
  element("play").setAttribute("aria-pressed", Boolean(playing));
  setText(element("play"), playing ? "Pause" : "Play");
  if (playing) requestAnimationFrame(tick);
}

function tick(now) {
  if (!playing) return;
  const moment = playing.from + (Math.max(now - playing.began, 0) / 1000) * element("speed").value;
  const due = frames.at(moment);
  if (due > at && !screen.busy) { // what is too fast for the connection or the browser is left out
    const stride = 2 ** Math.floor(Math.log2(due - at)); // a power of 2, so that what was fetched ahead is what is wanted
    const next = Math.max(due - (due % stride), at + 1);
    seek(next, AHEAD.map((count) => frames.all[next + count * stride]).filter(Boolean));
  }
  if (due === frames.all.length - 1 && !screen.busy) {
    seek(due);
    return play(false);
  }
  requestAnimationFrame(tick);
}

function step(count) {
  play(false);
  seek(at + count);
}

// A stretch of frames, to hide or restore

function setStretch(chosen) {
  stretch = chosen;
  showFrames();
  seek(at);
}

function showStretch() {
  element("clear").hidden = !stretch;
  setText(element("stretch"), stretchName());
  const [first, last] = stretch ?? [at, at];
  const chosen = frames.all.slice(first, last + 1).filter((frame) => hidden.has(frame.name)).length;
  element("hide").disabled = chosen === last - first + 1;
  element("restore").disabled = chosen === 0;
}

function stretchName() {
  if (!stretch) return "this frame";
  const [first, last] = stretch;
  if (first === last) return `frame ${frames.all[first].name}`;
  return `frames ${frames.all[first].name} to ${frames.all[last].name} (${last - first + 1})`;
}

async function change(what) {
  const [first, last] = (stretch ?? [at, at]).map((index) => frames.all[index].name);
  try {
    const answer = await call(callAddress(run, what), { frames: [`${first}-${last}`] });
    hidden = new Set(answer.hidden);
    complain("control-error", "");
  } catch (error) {
    complain("control-error", error.message);
  }
  showFrames();
  seek(at);
}

function complain(where, sentence) {
  setText(element(where), sentence);
}

const begin = () => setStretch([at, Math.max(stretch?.[1] ?? at, at)]);
const end = () => setStretch([Math.min(stretch?.[0] ?? at, at), at]);
const clicks = {
  play: () => play(!playing),
  back: () => step(-1),
  forward: () => step(1),
  begin,
  end,
  hide: () => change("hide"),
  restore: () => change("restore"),
  clear: () => setStretch(null),
  "map-whole": () => map.showAll(),
};
for (const [id, act] of Object.entries(clicks)) element(id).addEventListener("click", act);
element("speed").addEventListener("change", () => play(Boolean(playing))); // at the new speed from here on

const keys = {
  " ": () => play(!playing),
  ArrowLeft: ({ shiftKey }) => step(shiftKey ? -10 : -1),
  ArrowRight: ({ shiftKey }) => step(shiftKey ? 10 : 1),
  Home: () => step(-frames.all.length),
  End: () => step(frames.all.length),
  i: begin,
  o: end,
  Escape: () => setStretch(null),
};
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  if (event.target.closest("input, select, textarea") || (event.key === " " && event.target.closest("button, a"))) return;
  event.preventDefault();
  keys[event.key](event);
});

setUpTheme(element("theme"), () => {
  screen.draw();
  map.draw();
  strip.redraw();
  statistics.draw();
});
setUpUnlocking(element("unlock"), element("control-set"), (sentence) => complain("control-error", sentence))();
open();
