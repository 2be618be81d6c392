// A tab for each simulator, for mouse and keyboard.
import { make, setText } from "../../static/page.js";
import { STATES, stateOf } from "./state.js";

export class Tabs {
  #list;
  #select;
  #tabs = new Map();

  constructor(list, select) {
    this.#list = list;
    this.#select = select;
    list.addEventListener("keydown", (event) => this.#onKey(event));
  }

  show(simulators, selected) {
    const numbers = new Set(simulators.map((each) => each.number));
    for (const [number, tab] of this.#tabs) {
      if (numbers.has(number)) continue;
      tab.remove();
      this.#tabs.delete(number);
    }
    for (const simulator of simulators) {
      const tab = this.#tabs.get(simulator.number) ?? this.#add(simulator.number);
      const state = stateOf(simulator);
      tab.dataset.state = state;
      setText(tab, simulator.name);
      tab.title = `${simulator.name}, ${simulator.address}: ${STATES[state]}`;
      tab.setAttribute("aria-label", `${simulator.name}: ${STATES[state]}`);
      tab.setAttribute("aria-selected", simulator.number === selected);
      tab.tabIndex = simulator.number === selected ? 0 : -1;
    }
  }

  #add(number) {
    const tab = make("button", { type: "button" });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "panel");
    tab.addEventListener("click", () => this.#select(number));
    this.#tabs.set(number, tab);
    this.#list.append(tab);
    return tab;
  }

  #onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tabs = [...this.#tabs.values()];
    const current = tabs.indexOf(document.activeElement);
    if (!step || current < 0) return;
    event.preventDefault();
    const next = tabs[(current + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  }
}
