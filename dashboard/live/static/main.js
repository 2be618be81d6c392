// Wires the page: updates come in by the link, and each part draws what concerns it.
import { WorldMap } from "../../static/map.js";
import { element, setText } from "../../static/page.js";
import { setUpTheme } from "../../static/theme.js";
import { Camera } from "./camera.js";
import { Controls } from "./controls.js";
import { Link } from "./link.js";
import { Log } from "./log.js";
import { SimulatorControls } from "./simulator_controls.js";
import { showState, Tabs } from "./state.js";
import { Timelines } from "./timelines.js";

const camera = new Camera();
const map = new WorldMap(element("map-view"));
const timelines = new Timelines(element("timelines"));
const controls = new Controls();
const simulatorControls = new SimulatorControls();
const log = new Log(element("log-lines"));

async function onUpdate(update) {
  setText(element("model"), update.model);
  if (update.about) {
    camera.setThresholdInUse(update.about.threshold);
    map.verticalFov = update.about.vertical_fov;
    timelines.setFields(update.about.row_fields);
    controls.setTokenNeeded(update.about.token_needed);
  }
  tabs.show(update.simulators, update.selected);
  log.add(update.events);
  timelines.add(update.rows, update.time);
  if (update.frame && !(await camera.show(update.frame))) return;
  map.show(update.frame, timelines.rows);
  const simulator = update.simulators.find((each) => each.number === update.selected);
  showState(simulator, camera.frame);
  controls.show(simulator, update.recording);
  simulatorControls.show(simulator);
  const successor = simulatorControls.successor(update.simulators);
  if (successor) link.select(successor.number);
}

function onChange() { // another simulator, or none: nothing of the last one may stay
  camera.clear();
  map.clear();
  timelines.clear();
}

function onConnection(state) {
  document.body.dataset.link = state;
  element("link").textContent = { connected: "connected", lost: "connection lost, trying again…" }[state];
  if (state === "connected") log.clear();
}

const link = new Link({ onUpdate, onChange, onConnection });
const tabs = new Tabs(element("tabs"), (number) => link.select(number));
for (const choice of document.querySelectorAll("input[name=picture]")) {
  choice.addEventListener("change", () => {
    camera.picture = choice.value;
    link.wantDepth(choice.value === "depth");
  });
}
setUpTheme(element("theme"), () => {
  camera.draw();
  map.draw();
  timelines.draw();
});
