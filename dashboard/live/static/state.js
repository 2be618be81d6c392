// The state of the follower in words, and a tab for each simulator.
import { duration, element, make, onKeys, setText } from "../../static/page.js";

const STATES = {
  waiting: "Waiting for a simulator",
  starting: "Waiting for frames",
  searching: "Looking for the target",
  found: "Following",
  lost: "Target lost",
  silent: "No frames",
};
const RANGE_SOURCES = { depth: "depth", height: "apparent height" };

function stateOf(simulator) {
  if (!simulator) return "waiting";
  if (simulator.silent_seconds) return "silent";
  return simulator.frames ? simulator.state : "starting";
}

export function showState(simulator, frame) {
  const state = stateOf(simulator);
  element("state").dataset.state = state;
  setText(element("state-word"), STATES[state]);
  const seconds = state === "silent" ? simulator.silent_seconds : simulator?.state_seconds;
  setText(element("state-since"), simulator ? `for ${duration(seconds)}` : "");
  setText(element("state-detail"), describe(state, simulator, frame));
}

// For mouse and keyboard; `select` is called with the number of the simulator whose tab is chosen.
export function setUpTabs(select) {
  const list = element("tabs");
  const move = (step) => {
    const tabs = [...list.children];
    const next = tabs.at((tabs.indexOf(document.activeElement) + step) % tabs.length);
    next.focus();
    next.click();
  };
  onKeys(list, { ArrowLeft: () => move(-1), ArrowRight: () => move(1) });
  list.addEventListener("click", ({ target }) => {
    if (target.dataset.number) select(Number(target.dataset.number));
  });
}

export function showTabs(simulators, selected) {
  const old = new Map([...element("tabs").children].map((tab) => [Number(tab.dataset.number), tab]));
  for (const { number, name, address, ...simulator } of simulators) {
    const state = STATES[stateOf(simulator)];
    const tab = old.get(number) ?? make("button", { type: "button", role: "tab", dataset: { number } });
    if (!old.delete(number)) element("tabs").append(tab);
    tab.setAttribute("aria-controls", "panel");
    tab.dataset.state = stateOf(simulator);
    setText(tab, name);
    tab.title = `${name}, ${address}: ${state}`;
    tab.ariaLabel = `${name}: ${state}`;
    tab.ariaSelected = number === selected;
    tab.tabIndex = number === selected ? 0 : -1;
  }
  for (const tab of old.values()) tab.remove();
}

function distance(from, to) {
  return `${Math.hypot(...to.map((value, axis) => value - from[axis])).toFixed(0)} m`;
}

function describe(state, simulator, frame) {
  if (simulator?.paused) return "commands are paused: the drone gets none";
  if (state === "waiting") return "Start the simulator and choose Follow Me; it connects to this follower by itself.";
  if (state === "starting") {
    const refused = simulator.counts.refused ? ` ${simulator.counts.refused} frames were refused; the log says why.` : "";
    return `${simulator.name} is connected from ${simulator.address}.${refused}`;
  }
  if (state === "silent") return `${simulator.name} is connected but sends no frames; did it return to its menu (Esc), or is it paused?`;
  const parts = [];
  if (state === "searching") parts.push("the target has not been found yet");
  if (state === "lost") parts.push("looking for the target");
  if (state !== "found" && frame?.look_at) parts.push(`sent to look at a place ${distance(frame.body, frame.look_at)} away`);
  if (state === "found" && frame) {
    const { range, detection } = frame;
    const away = range && `${range.metres.toFixed(1)} m away, by ${RANGE_SOURCES[range.source] ?? range.source}`;
    parts.push(away ? `target ${away}` : "the target is not in this image");
    if (detection) parts.push(`confidence ${Math.round(100 * detection.confidence)} %`);
  }
  const { answered, skipped, refused, failed } = simulator.counts;
  parts.push(`${answered} frames answered`);
  for (const [name, count] of Object.entries({ skipped, refused, failed })) {
    if (count) parts.push(`${count} ${name}`);
  }
  return parts.join(" · ");
}
