// A tab for each simulator, for mouse and keyboard.
import { element, make, onKeys, setText } from "../../static/page.js";
import { STATES, stateOf } from "./state.js";

// `select` is called with the number of the simulator whose tab is chosen.
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
