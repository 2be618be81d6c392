// The live page: requests an update when the previous one has been drawn, so that a slow viewer gets fewer and never a
// backlog, and passes it to the parts of the page. Reconnects by itself.
import { WorldMap } from "../../static/map.js";
import { chosen, clockTime, element, make, setText } from "../../static/page.js";
import { io } from "../../static/vendor/socket.io.esm.min.js";
import { Camera } from "./camera.js";
import { Controls } from "./controls.js";
import { setUpTabs, showState, showTabs } from "./state.js";
import { Timelines } from "./timelines.js";

const NOTHING = { frame: -1, row: -1, event: -1 };
const MAX_LINES = 300; // of the log

const camera = new Camera();
const map = new WorldMap();
const timelines = new Timelines(element("timelines"));
const controls = new Controls();
const socket = io("/dashboard", { transports: ["websocket"], reconnectionDelay: 300, reconnectionDelayMax: 2000 });
let have = NOTHING; // numbers of the newest items that are shown
let selected = null; // number of the simulator that is shown
let isChosen = false; // by hand

function askForUpdate() {
  if (document.hidden || !socket.connected) return;
  socket.emit("ready", { simulator: selected, depth: chosen("picture") === "depth", ...have });
}

// Selects another simulator, or none: clears everything about the previous one.
function select(number) {
  selected = number;
  have = { ...NOTHING, event: have.event };
  camera.clear();
  map.clear();
  timelines.clear();
}

async function receive(update) {
  if (update.selected !== selected) {
    if (update.simulators.some((each) => each.number === selected)) { // sent before the change of simulators
      update = { ...update, rows: [], frame: null };
    } else {
      isChosen = false;
      select(update.selected);
    }
  }
  update = { // the answers to two requests at the same time have the same rows and events
    ...update,
    rows: update.rows.filter(([number]) => number > have.row),
    events: update.events.filter(({ number }) => number > have.event),
  };
  have = {
    frame: update.frame?.number ?? have.frame,
    row: update.rows.at(-1)?.[0] ?? have.row,
    event: update.events.at(-1)?.number ?? have.event,
  };
  try {
    await show(update);
  } finally {
    askForUpdate();
  }
}

async function show({ about, model, simulators, events, rows, time, frame, recording }) {
  if (about) {
    camera.setThresholdInUse(about.threshold);
    map.verticalFov = about.vertical_fov;
    timelines.fields = about.row_fields;
  }
  setText(element("model"), model);
  showTabs(simulators, selected);
  logEvents(events);
  timelines.add(rows, time);
  if (frame && !(await camera.show(frame))) return;
  map.show(frame, timelines.rows);
  const simulator = simulators.find((each) => each.number === selected);
  showState(simulator, camera.frame);
  controls.show(simulator, recording);
  const successor = controls.successor(simulators) ?? (!isChosen && flyingInstead(simulator, simulators));
  if (successor) select(successor.number);
}

// The simulator to show instead of one that has fallen silent, such as QuadSim's connection after Esc.
function flyingInstead(simulator, simulators) {
  return simulator?.silent_seconds ? simulators.find((each) => each.frames && !each.silent_seconds) : null;
}

// Newest first. Whatever a simulator sends is text here, never markup.
function logEvents(events) {
  const list = element("log-lines");
  for (const { kind, time, simulator, text } of events) {
    const words = make("span", {}, ...(simulator ? [make("b", {}, simulator), ": "] : []), text);
    const moment = make("time", { dateTime: new Date(1000 * time).toISOString() }, clockTime(time));
    list.prepend(make("li", { dataset: { kind } }, moment, words));
  }
  while (list.childElementCount > MAX_LINES) list.lastElementChild.remove();
}

function showConnection(connected) {
  document.body.dataset.link = connected ? "connected" : "lost";
  setText(element("link"), connected ? "connected" : "connection lost, reconnecting…");
}

setUpTabs((number) => {
  isChosen = true;
  if (number === selected) return;
  select(number);
  askForUpdate();
});
socket.on("connect", () => {
  have = NOTHING;
  select(selected);
  showConnection(true);
  element("log-lines").replaceChildren();
  controls.checkAuthorisation(); // a follower that was restarted has another token
  askForUpdate();
});
socket.on("disconnect", () => showConnection(false));
socket.on("connect_error", () => {
  showConnection(false);
  if (socket.active) return; // it tries again by itself
  setText(element("link"), "too many viewers, waiting…");
  setTimeout(() => socket.connect(), 3000);
});
socket.on("update", receive);
document.addEventListener("visibilitychange", askForUpdate);
element("pictures").addEventListener("change", () => {
  have = { ...have, frame: -1 }; // the same frame again, with its depth
  askForUpdate();
});
