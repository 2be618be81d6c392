// What the follower is doing, in words; and the tabs of the simulators.
import { duration, element, setText } from "../../static/page.js";

const WORDS = {
  waiting: "Waiting for a simulator",
  starting: "Waiting for frames",
  searching: "Patrolling",
  found: "Following",
  lost: "Target lost",
  silent: "No frames",
};

function stateOf(simulator) {
  if (!simulator) return "waiting";
  if (simulator.silent_seconds) return "silent";
  return simulator.frames ? simulator.state : "starting";
}

export function showState(simulator, frame) {
  const state = stateOf(simulator);
  element("state").dataset.state = state;
  setText(element("state-word"), WORDS[state]);
  const seconds = state === "silent" ? simulator.silent_seconds : simulator?.state_seconds;
  setText(element("state-since"), simulator ? `for ${duration(seconds)}` : "");
  setText(element("state-detail"), detail(state, simulator, frame));
}

function detail(state, simulator, frame) {
  if (simulator?.paused) return "commands are paused: the drone is left alone";
  if (state === "waiting") return "Start the simulator and choose Follow Me; it finds this follower by itself.";
  if (state === "starting") return `${simulator.name} is connected from ${simulator.address}.`;
  if (state === "silent") return `${simulator.name} is connected but sends nothing; is it paused?`;
  const parts = [];
  if (state === "searching") parts.push("the hero has not been found yet");
  if (state === "lost") parts.push("back on patrol, looking for the hero");
  if (state === "found" && frame) {
    if (frame.range) parts.push(`hero ${frame.range.metres.toFixed(1)} m away, by ${WAYS[frame.range.source] ?? frame.range.source}`);
    else parts.push("the hero is not in this picture");
    if (frame.detection) parts.push(`${Math.round(100 * frame.detection.confidence)} % sure`);
  }
  const { answered, skipped, refused, failed } = simulator.counts;
  parts.push(`${answered} frames answered`);
  for (const [count, word] of [[skipped, "skipped"], [refused, "refused"], [failed, "failed"]]) {
    if (count) parts.push(`${count} ${word}`);
  }
  return parts.join(" · ");
}

const WAYS = { depth: "depth", height: "apparent height" };

export class Tabs {
  #list;
  #choose;
  #tabs = new Map();

  constructor(list, choose) {
    this.#list = list;
    this.#choose = choose;
    list.addEventListener("keydown", (event) => this.#walk(event));
  }

  show(simulators, selected) {
    const numbers = new Set(simulators.map((each) => each.number));
    for (const [number, tab] of this.#tabs) {
      if (numbers.has(number)) continue;
      tab.remove();
      this.#tabs.delete(number);
    }
    for (const simulator of simulators) {
      const tab = this.#tabs.get(simulator.number) ?? this.#make(simulator.number);
      const state = stateOf(simulator);
      tab.dataset.state = state;
      setText(tab, simulator.name);
      tab.title = `${simulator.name}, ${simulator.address}: ${WORDS[state]}`;
      tab.setAttribute("aria-label", `${simulator.name}: ${WORDS[state]}`);
      tab.setAttribute("aria-selected", simulator.number === selected);
      tab.tabIndex = simulator.number === selected ? 0 : -1;
    }
  }

  #make(number) {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "panel");
    tab.addEventListener("click", () => this.#choose(number));
    this.#tabs.set(number, tab);
    this.#list.append(tab);
    return tab;
  }

  #walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tabs = [...this.#tabs.values()];
    const at = tabs.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = tabs[(at + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  }
}
