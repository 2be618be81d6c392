// A tab for each simulator, for mouse and keyboard.
import { element, make, onKeys, setText } from "../../static/page.js";
import { STATES, stateOf } from "./state.js";

export class Tabs {
  #list = element("tabs");
  #select;

  constructor(select) {
    this.#select = select;
    onKeys(this.#list, { ArrowLeft: () => this.#move(-1), ArrowRight: () => this.#move(1) });
  }

  show(simulators, selected) {
    const old = new Map([...this.#list.children].map((tab) => [Number(tab.dataset.number), tab]));
    const tabs = simulators.map((simulator) => {
      const state = stateOf(simulator);
      const tab = old.get(simulator.number) ?? this.#make(simulator.number);
      tab.dataset.state = state;
      setText(tab, simulator.name);
      tab.title = `${simulator.name}, ${simulator.address}: ${STATES[state]}`;
      tab.ariaLabel = `${simulator.name}: ${STATES[state]}`;
      tab.ariaSelected = simulator.number === selected;
      tab.tabIndex = simulator.number === selected ? 0 : -1;
      old.delete(simulator.number);
      return tab;
    });
    for (const tab of old.values()) tab.remove();
    this.#list.append(...tabs.filter((tab) => !tab.parentNode));
  }

  #make(number) {
    const tab = make("button", { type: "button", role: "tab", dataset: { number } });
    tab.setAttribute("aria-controls", "panel");
    tab.addEventListener("click", () => this.#select(number));
    return tab;
  }

  #move(step) {
    const tabs = [...this.#list.children];
    const next = tabs.at((tabs.indexOf(document.activeElement) + step) % tabs.length);
    next.focus();
    next.click();
  }
}
