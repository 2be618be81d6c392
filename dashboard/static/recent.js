// Remembers the latest results by key, such as the decoded pictures of frames.
export class Recent {
  #size;
  #results = new Map();

  constructor(size) {
    this.#size = size;
  }

  // The result for a key: the remembered one, else that of `load`.
  get(key, load) {
    const result = this.#results.get(key) ?? load();
    this.#results.delete(key); // and to the end: the first one is the oldest
    this.#results.set(key, result);
    if (this.#results.size > this.#size) this.#results.delete(this.#results.keys().next().value);
    return result;
  }

  clear() {
    this.#results.clear();
  }
}
