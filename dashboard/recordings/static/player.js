// The page of one recording: connects its frames, the screen, the map, the scrubber and the statistics.
import { ask, setUpUnlocking } from "../../static/calls.js";
import { WorldMap } from "../../static/map.js";
import { clockTime, duration, element, onKeys, setText } from "../../static/page.js";
import { Frames } from "./frames.js";
import { showMoments } from "./moments.js";
import { Playback } from "./playback.js";
import { callAddress, dateAndTime, playingTime, STATES } from "./recording.js";
import { Screen } from "./screen.js";
import { Selection } from "./selection.js";
import { Statistics } from "./statistics.js";
import { Strip } from "./strip.js";

const REFRESH = 1000; // milliseconds, while it is being recorded
const TRAIL_SECONDS = 60;
const FOLLOWER_STATES = { found: "following", searching: "searching", lost: "lost" };
const name = decodeURIComponent(location.pathname.split("/").at(-1));

const frames = new Frames(name);
const screen = new Screen(name);
const map = new WorldMap();
const selection = new Selection(name, frames, () => showFrames());
const statistics = new Statistics(name, showWrongTarget);
const strip = new Strip({ onSeek: (index) => seek(index), onSelect: (first, last) => selection.set([first, last]) });
const playback = new Playback(frames, screen, (index, upcoming) => seek(index, upcoming));
let wrongTarget = new Set(); // names of frames in which the wrong person was followed

async function open() {
  setText(element("name"), name);
  document.title = `${name} · Follow me`;
  try {
    const about = await ask(callAddress(name));
    const angle = about.meta.settings?.agent?.vertical_fov;
    if (angle > 0 && angle < 180) map.verticalFov = angle;
    map.follow(false);
    await refresh(about);
  } catch (error) {
    setText(element("complaint"), error.message);
  }
}

async function refresh(about) {
  const grown = await frames.load();
  selection.hidden = new Set(about.hidden);
  element("recording-state").hidden = about.state === "finished";
  element("recording-state").dataset.state = about.state;
  setText(element("recording-state"), STATES[about.state] ?? "");
  setText(element("summary"), describe(about.meta));
  if (grown) {
    const positions = (key) => frames.all.map((frame) => frame[key]);
    map.trajectories = { camera: positions("camera"), track: positions("track"), ground_truth: positions("ground_truth") };
    showMoments(element("moment-lines"), frames, seek);
    if (!screen.shown) map.showAll();
  }
  showFrames();
  setText(element("complaint"), frames.all.length ? "" : "There are no frames in this recording.");
  if (about.state === "recording") setTimeout(refreshAgain, REFRESH);
}

async function refreshAgain() {
  try {
    await refresh(await ask(callAddress(name)));
  } catch (error) {
    setText(element("complaint"), error.message);
    setTimeout(refreshAgain, 3 * REFRESH);
  }
}

function showFrames() { // after a change of the frames, of the selection, or of what is hidden
  strip.setFrames(frames.all, selection.hidden, wrongTarget);
  statistics.show(selection.expression ?? "all");
  setText(element("statistics-of"), `Statistics of ${selection.range ? selection.name : "the whole recording"}`);
  seek(playback.at);
}

function showWrongTarget(statistics) {
  wrongTarget = new Set(statistics.wrong_target_frames);
  element("wrong-target-key").hidden = !wrongTarget.size;
  strip.setFrames(frames.all, selection.hidden, wrongTarget);
  seek(playback.at);
}

function seek(index, upcoming = []) {
  if (!frames.all.length) return;
  playback.at = selection.at = Math.min(Math.max(index, 0), frames.all.length - 1);
  const frame = frames.all[playback.at];
  screen.show(frame, upcoming);
  showOnMap(frame);
  const description = describePosition(frame);
  setText(element("position"), description);
  strip.show(playback.at, selection.range, description);
  selection.show();
  document.body.dataset.frame = frame.name;
}

function showOnMap(frame) {
  if (!frame.camera) return;
  const time = frames.seconds[playback.at];
  const first = frames.at(time - TRAIL_SECONDS);
  const trail = frames.all.slice(first, playback.at + 1).map((each, i) => ({ ...each, time: frames.seconds[first + i] }));
  map.show({ ...frame, body: frame.body ?? frame.camera, time }, trail);
}

function describe(meta) {
  const parts = [dateAndTime(meta.started), duration(frames.seconds.at(-1) ?? 0), `${frames.all.length} frames`];
  if (typeof meta.model?.description === "string") parts.push(meta.model.description);
  if (typeof meta.end_reason === "string") parts.push(meta.end_reason);
  return parts.join(" · ");
}

function describePosition(frame) {
  const parts = [playingTime(frames.seconds[playback.at], 1), `frame ${frame.name}`];
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
open();
