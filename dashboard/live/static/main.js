// Connects the parts of the live page: updates come in over the link, and each part shows what concerns it.
import { WorldMap } from "../../static/map.js";
import { chosen, element, setText } from "../../static/page.js";
import { Camera } from "./camera.js";
import { Controls } from "./controls.js";
import { Link } from "./link.js";
import { logEvents } from "./log.js";
import { showState } from "./state.js";
import { Tabs } from "./tabs.js";
import { Timelines } from "./timelines.js";

const camera = new Camera();
const map = new WorldMap();
const timelines = new Timelines(element("timelines"));
const controls = new Controls();

async function onUpdate(update) {
  if (update.about) {
    camera.setThresholdInUse(update.about.threshold);
    map.verticalFov = update.about.vertical_fov;
    timelines.setFields(update.about.row_fields);
  }
  setText(element("model"), update.model);
  tabs.show(update.simulators, update.selected);
  logEvents(update.events);
  timelines.add(update.rows, update.time);
  if (update.frame && !(await camera.show(update.frame))) return;
  map.show(update.frame, timelines.rows);
  const simulator = update.simulators.find((each) => each.number === update.selected);
  showState(simulator, camera.frame);
  controls.show(simulator, update.recording);
  const successor = controls.successor(update.simulators);
  if (successor) link.select(successor.number);
}

function onChange() { // another simulator, or none: clear everything about the last one
  camera.clear();
  map.clear();
  timelines.clear();
}

function onConnection(connected) {
  document.body.dataset.link = connected ? "connected" : "lost";
  setText(element("link"), connected ? "connected" : "connection lost, reconnecting…");
  if (!connected) return;
  element("log-lines").replaceChildren();
  controls.checkAuthorisation(); // a follower that was restarted has another token
}

const link = new Link({ onUpdate, onChange, onConnection });
const tabs = new Tabs((number) => link.select(number));
element("pictures").addEventListener("change", () => {
  camera.picture = chosen("picture");
  link.wantDepth(chosen("picture") === "depth");
});
