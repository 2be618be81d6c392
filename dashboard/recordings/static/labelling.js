// The labels of one frame while they are corrected: classes of pixels, what tools do to them, undo and redo.
// Nothing here draws. Places are (row, column), whole pixels; those outside the image count for nothing.
export const [BACKGROUND, PEOPLE, HERO] = [0, 1, 2];
const MAX_STEPS = 100; // that can be undone
const NEAR = 3; // pixels from a click within which a person is meant

export class Labelling {
  #past = [];
  #future = [];
  #stored; // what the recording has, as far as known; null if its mask cannot be read
  #isAnswered = false; // of a mask that cannot be read: a person has said that no target is there

  constructor(rows, columns, runs) {
    [this.rows, this.columns] = [rows, columns];
    this.pixels = this.#read(runs);
    this.#stored = runs && this.pixels.slice();
  }

  get changed() {
    if (!this.#stored) return this.#isAnswered || this.pixels.some((label) => label !== BACKGROUND);
    return this.pixels.some((label, place) => label !== this.#stored[place]);
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  // As the server reads them: [class, length, class, length, ...], row by row.
  get runs() {
    const runs = [];
    for (let place = 0; place < this.pixels.length; ) {
      const [label, start] = [this.pixels[place], place];
      while (place < this.pixels.length && this.pixels[place] === label) place++;
      runs.push(label, place - start);
    }
    return runs;
  }

  count(label) {
    return this.pixels.reduce((count, each) => count + (each === label), 0);
  }

  // Takes what the recording has now; with `show`, also as what is shown: undo brings back what was there.
  store(runs, show = false) {
    this.#stored = runs && this.#read(runs);
    this.#isAnswered = false;
    if (show) this.step(() => this.pixels.set(this.#read(runs)));
  }

  // What is labelled as the target becomes background. Where the mask cannot be read, this is a change even if nothing
  // is labelled.
  noTarget() {
    this.#isAnswered = true;
    this.step(() => this.replace(HERO, BACKGROUND));
  }

  // Everything that `change` does is one step for undo.
  step(change) {
    this.begin();
    change();
    this.end();
  }

  begin() {
    this.#past.push(this.pixels.slice());
    if (this.#past.length > MAX_STEPS) this.#past.shift();
  }

  end() { // a step that changed nothing is none
    const before = this.#past.at(-1);
    if (before?.every((label, place) => label === this.pixels[place])) this.#past.pop();
    else this.#future = [];
  }

  cancel() { // the step that has begun: as if it had never been
    this.pixels = this.#past.pop();
  }

  undo() {
    if (this.canUndo) [this.pixels] = [this.#past.pop(), this.#future.push(this.pixels)];
  }

  redo() {
    if (this.canRedo) [this.pixels] = [this.#future.pop(), this.#past.push(this.pixels)];
  }

  // A stroke between two places, `size` pixels wide.
  paint([row, column], [toRow, toColumn], size, label) {
    const steps = Math.max(Math.ceil(Math.hypot(toRow - row, toColumn - column)), 1);
    for (let step = 0; step <= steps; step++) {
      const part = step / steps;
      this.#dot(row + part * (toRow - row), column + part * (toColumn - column), size / 2, label);
    }
  }

  #dot(row, column, radius, label) {
    const inside = (value, end) => Math.min(Math.max(value, 0), end);
    const [top, bottom] = [inside(Math.floor(row - radius), this.rows), inside(Math.ceil(row + radius) + 1, this.rows)];
    const [left, right] = [inside(Math.floor(column - radius), this.columns), inside(Math.ceil(column + radius) + 1, this.columns)];
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++)
        if (Math.hypot(y - row, x - column) <= Math.max(radius - 0.4, 0.5)) this.pixels[y * this.columns + x] = label;
  }

  // Connected pixels of the same class become `label`.
  fill(place, label) {
    for (const each of this.#connected(place, (other) => other === this.at(place))) this.pixels[each] = label;
  }

  // The one click: the target at a place becomes another person; another person the only target, with what is labelled
  // as the target and touches that person. Returns whether somebody was there.
  pick(place) {
    const found = this.#person(place);
    if (!found) return false;
    const label = this.at(found);
    const person = this.#connected(found, (other) => other === label);
    if (label === PEOPLE) {
      const touching = this.#connected(found, (other) => other !== BACKGROUND).filter((each) => this.pixels[each] === HERO);
      this.replace(HERO, PEOPLE);
      for (const each of touching) this.pixels[each] = HERO;
    }
    for (const each of person) this.pixels[each] = label === HERO ? PEOPLE : HERO;
    return true;
  }

  replace(label, other) {
    this.pixels.forEach((each, place) => each === label && (this.pixels[place] = other));
  }

  at([row, column]) {
    const inside = row >= 0 && column >= 0 && row < this.rows && column < this.columns;
    return inside ? this.pixels[row * this.columns + column] : undefined;
  }

  // A place in each person, the largest first.
  people() {
    const seen = new Set();
    const found = [];
    this.pixels.forEach((label, place) => {
      if (label === BACKGROUND || seen.has(place)) return;
      const person = this.#connected(this.#place(place), (other) => other === label);
      person.forEach((each) => seen.add(each));
      found.push(person);
    });
    return found.sort((one, other) => other.length - one.length).map((person) => this.#middle(person));
  }

  #middle(person) { // a pixel of the person near its middle
    const places = person.map((each) => this.#place(each));
    const [row, column] = [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
    const distance = (place) => Math.hypot(place[0] - row, place[1] - column);
    return places.reduce((best, place) => (distance(place) < distance(best) ? place : best));
  }

  #person([row, column]) { // the nearest labelled pixel
    let best = null;
    for (let y = row - NEAR; y <= row + NEAR; y++)
      for (let x = column - NEAR; x <= column + NEAR; x++) {
        const distance = Math.hypot(y - row, x - column);
        if (this.at([y, x]) && distance <= (best?.distance ?? NEAR)) best = { distance, place: [y, x] };
      }
    return best?.place;
  }

  #connected(start, belongs) {
    if (this.at(start) === undefined) return [];
    const first = start[0] * this.columns + start[1];
    const [found, waiting] = [new Set([first]), [first]];
    while (waiting.length) {
      const [row, column] = this.#place(waiting.pop());
      for (let y = row - 1; y <= row + 1; y++)
        for (let x = column - 1; x <= column + 1; x++) {
          const place = y * this.columns + x;
          if (this.at([y, x]) === undefined || found.has(place) || !belongs(this.pixels[place])) continue;
          found.add(place);
          waiting.push(place);
        }
    }
    return [...found];
  }

  #place(index) {
    return [Math.floor(index / this.columns), index % this.columns];
  }

  #read(runs) {
    const pixels = new Uint8Array(this.rows * this.columns);
    let place = 0;
    for (let i = 0; i < (runs?.length ?? 0); i += 2) pixels.fill(runs[i], place, (place += runs[i + 1]));
    return pixels;
  }
}
