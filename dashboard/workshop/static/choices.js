// Lists to choose from, which may change while someone chooses.
import { make } from "../../static/page.js";

// Sets the options of a select, unless it has these already; the selection stays where it can.
export function fill(select, names, describe = (name) => name) {
  const selected = select.value;
  if ([...select.options].map((option) => option.value).join("\n") === names.join("\n")) return;
  select.replaceChildren(...names.map((name) => new Option(describe(name), name)));
  if (names.includes(selected)) select.value = selected;
}

// Sets the recordings to tick, unless they are the same; ticks stay where they can.
export function fillRecordings(container, recordings) {
  const ticked = new Set(tickedIn(container));
  const shown = JSON.stringify(recordings.map((each) => [each.name, each.frames, each.visible, each.pseudo_labelled]));
  if (container.dataset.shown === shown) return;
  container.dataset.shown = shown;
  container.replaceChildren(
    ...recordings.map(({ name, frames, visible, pseudo_labelled: pseudoLabelled }) => {
      const dataset = pseudoLabelled ? { pseudoLabelled } : {};
      const box = make("input", { type: "checkbox", value: name, checked: ticked.has(name), dataset });
      return make("label", {}, box, make("span", {}, name), make("span", {}, `${frames} frames, ${visible} with the target`));
    }),
  );
}

// Names of the ticked recordings; with `pseudoLabelled` only those that have labels from the model.
export function tickedIn(container, pseudoLabelled = false) {
  const ticked = container.querySelectorAll(pseudoLabelled ? "[data-pseudo-labelled]:checked" : "input:checked");
  return [...ticked].map((box) => box.value);
}
