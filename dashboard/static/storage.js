// What the browser keeps: for all visits, or for this tab. Nothing, where it may not: then it lasts until the page is left.
export const ALWAYS = () => localStorage; // to ask for it may be an error
export const THIS_TAB = () => sessionStorage;

export function recall(storage, key, otherwise) {
  try {
    return storage().getItem(key) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(storage, key, value) {
  try {
    storage().setItem(key, value);
  } catch {
    // not allowed, or full
  }
}
