// Helpers of every page.
export const element = (id) => document.getElementById(id);

// A new node, such as make("output", { className: "value", dataset: { kind: "lost" } }, "12 m").
export function make(tag, { dataset = {}, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  Object.assign(node.dataset, dataset);
  node.append(...children);
  return node;
}

export const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value; // of radio buttons

export function setText(node, text) { // unchanged text is not announced again
  if (node.textContent !== text) node.textContent = text;
}

export function onSubmit(id, action) {
  element(id).addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
}

// Calls the action of a key that is pressed in `node`, unless the key belongs to a control there.
export function onKeys(node, actions) {
  node.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const typesCharacter = event.getModifierState("AltGraph"); // which on Windows is Ctrl with Alt
    if ((event.ctrlKey || event.altKey) && !typesCharacter) return;
    if (event.defaultPrevented || event.metaKey || !(key in actions)) return;
    if (target.closest("input, select, textarea") || ([" ", "Enter"].includes(key) && target.closest("button, a, summary"))) return;
    event.preventDefault();
    actions[key](event);
  });
}

export const once = (act) => (event) => event.repeat || act(event); // for a key whose action must not repeat while held

export function clockTime(seconds) { // of a unix time
  return clock.format(new Date(1000 * seconds));
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${rest} s`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
