// What the browser remembers of a reader's choices; nothing, where it is forbidden to.

export function recall(key, otherwise) {
  try {
    return localStorage.getItem(key) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // then the choice holds until the page is left
  }
}
