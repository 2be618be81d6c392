// Lists to choose from, which may grow while somebody chooses.

// The options of a select, unless they are these already; what was chosen stays chosen where it can.
export function fill(select, names, words = (name) => name) {
  const chosen = select.value;
  if ([...select.options].map((option) => option.value).join("\n") === names.join("\n")) return;
  select.replaceChildren(...names.map((name) => new Option(words(name), name)));
  if (names.includes(chosen)) select.value = chosen;
}

// Recordings to tick, likewise.
export function fillRecordings(container, recordings) {
  const ticked = new Set(tickedIn(container));
  const shown = JSON.stringify(recordings.map(({ name, frames, visible, pseudo_labelled }) => [name, frames, visible, pseudo_labelled]));
  if (container.dataset.shown === shown) return;
  container.dataset.shown = shown;
  container.replaceChildren(
    ...recordings.map(({ name, frames, visible, pseudo_labelled }) => {
      const [label, box, title, size] = ["label", "input", "span", "span"].map((tag) => document.createElement(tag));
      [box.type, box.value, box.checked] = ["checkbox", name, ticked.has(name)];
      box.toggleAttribute("data-pseudo-labelled", pseudo_labelled > 0);
      title.textContent = name;
      size.textContent = `${frames} frames, ${visible} with the hero`;
      label.append(box, title, size);
      return label;
    }),
  );
}

// With `pseudo_labelled` only those that have labels of the model that flew.
export function tickedIn(container, pseudo_labelled = false) {
  const ticked = container.querySelectorAll(pseudo_labelled ? "input[data-pseudo-labelled]:checked" : "input:checked");
  return [...ticked].map((box) => box.value);
}
