// The tools that change the labels of a frame: with the pointer, and with a cursor that keys move.
import { chosen, element, once, setText } from "../../static/page.js";
import { BACKGROUND, HERO, PEOPLE } from "./labelling.js";
import { LabelView } from "./label_view.js";

const FAR = 8; // pixels that the cursor moves with Shift

export class LabelTools {
  view = new LabelView((phase, place) => this.#follow(phase, place));
  keys = {
    c: () => this.#cursorToNextPerson(),
    v: () => this.#choose("tool", "pick"),
    b: () => this.#choose("tool", "brush"),
    e: () => this.#choose("tool", "eraser"),
    f: () => this.#choose("tool", "fill"),
    1: () => this.#choose("class", HERO),
    2: () => this.#choose("class", PEOPLE),
    "[": () => this.#resize(-1),
    "]": () => this.#resize(1),
    ",": () => this.#resize(-1), // for keyboards on which [ and ] need AltGr or Option
    ".": () => this.#resize(1),
    " ": once(() => this.view.cursor && this.#labels() && this.#use(this.view.cursor)), // a second pick takes it back
  };
  #labels;
  #onChange;
  #stroke = null; // { labels, last: place of its last point, paints }

  // `labels` returns the labels that may be changed, or null; `onChange` is called after a change.
  constructor(labels, onChange) {
    [this.#labels, this.#onChange] = [labels, onChange];
    for (const [key, rows, columns] of [["w", -1, 0], ["s", 1, 0], ["a", 0, -1], ["d", 0, 1]])
      for (const each of [key, key.toUpperCase()]) this.keys[each] = ({ shiftKey }) => this.#moveCursor(rows, columns, shiftKey ? FAR : 1);
    for (const id of ["tools", "classes", "size"]) element(id).addEventListener("input", () => this.#show());
    this.#show();
  }

  get #size() {
    return Number(element("size").value);
  }

  get #ink() {
    return chosen("tool") === "eraser" ? BACKGROUND : Number(chosen("class"));
  }

  #show() {
    setText(element("size-value"), element("size").value);
    this.view.brush = ["brush", "eraser"].includes(chosen("tool")) ? this.#size : 0;
    this.view.draw();
  }

  #follow(phase, place) { // a stroke
    if (phase === "start") this.#begin(place);
    if (!this.#stroke) return;
    const { labels, last, paints } = this.#stroke;
    if (phase === "move" && labels !== this.#labels()) phase = "end"; // another frame is opened
    if (phase === "start" || phase === "move") {
      if (!paints) return;
      labels.paint(last, place, this.#size, this.#ink);
      this.#stroke.last = place;
      return this.view.draw();
    }
    this.#stroke = null;
    if (paints) labels[phase]();
    else if (phase === "end" && labels === this.#labels()) return this.#use(last);
    this.#onChange();
  }

  #begin(place) { // pick and fill wait for the end: with a second finger it is no click
    const labels = this.#labels();
    const paints = !["pick", "fill"].includes(chosen("tool"));
    this.#stroke = labels && { labels, last: place, paints };
    if (labels && paints) labels.begin();
  }

  #use(place) { // the tool at one place
    const labels = this.#labels();
    const pixel = place.map(Math.round);
    const uses = {
      pick: () => labels.pick(pixel) || setText(element("outcome"), "Nobody is labelled there: paint a person with the brush."),
      fill: () => labels.fill(pixel, this.#ink),
    };
    labels.step(uses[chosen("tool")] ?? (() => labels.paint(place, place, this.#size, this.#ink)));
    this.#onChange();
  }

  #moveCursor(rows, columns, far) {
    const labels = this.#labels();
    if (!labels) return;
    const [row, column] = this.view.cursor ?? [labels.rows / 2, labels.columns / 2];
    const inside = (value, end) => Math.min(Math.max(Math.round(value), 0), end - 1);
    this.#setCursor([inside(row + rows * far, labels.rows), inside(column + columns * far, labels.columns)]);
  }

  #cursorToNextPerson() {
    const people = this.#labels()?.people() ?? [];
    const at = people.findIndex((place) => String(place) === String(this.view.cursor));
    this.#setCursor(people[(at + 1) % people.length] ?? null);
  }

  #setCursor(place) {
    this.view.cursor = place;
    if (place) this.view.lookAt(place);
    this.view.draw();
  }

  #choose(group, value) {
    document.querySelector(`input[name=${group}][value="${value}"]`).checked = true;
    this.#show();
  }

  #resize(step) {
    element("size").value = this.#size + step;
    this.#show();
  }
}
