// HTTP calls to the follower; those that change something need a token where other machines can connect.
import { element, onSubmit, setText } from "./page.js";
import { recall, remember, THIS_TAB } from "./storage.js";

const STORED = "follow-me-token";
const NOT_PRINTED = "This is not the token that the follower printed.";
const REFUSED = "token-refused"; // event: a call was refused, for example because the follower was started again
const GIVEN = "token-given"; // event: the printed address was opened in a tab that shows the page already
let token = recall(THIS_TAB, STORED, null);
takeToken();
addEventListener("hashchange", () => takeToken() && dispatchEvent(new Event(GIVEN)));

// Returns the answer to a GET request. Throws an Error with a sentence for the user.
export function fetchJson(path) {
  return request(path, { headers: authorization() });
}

// Returns a file as a Blob. Throws an Error.
export async function fetchBlob(path) {
  const answer = await fetch(path);
  if (answer.status === 401) dispatchEvent(new Event(REFUSED));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.blob();
}

// Returns the answer to a request that changes something; null if it failed: then the reason is shown in `errorNode`.
export async function post(path, body, errorNode) {
  const headers = { "Content-Type": "application/json", ...authorization() };
  try {
    const answer = await request(path, { method: "POST", headers, body: JSON.stringify(body) });
    setText(errorNode, "");
    return answer;
  } catch (error) {
    setText(errorNode, error.message);
    return null;
  }
}

// Returns a function that shows the nodes `controls` to authorised callers, and to others the form for the token.
export function setUpUnlocking(controls, errorNode) {
  const show = async (refusal = "") => {
    try {
      const { authorised } = await fetchJson("/api/controls");
      for (const node of controls) node.hidden = !authorised;
      element("unlock").hidden = authorised;
      setText(errorNode, authorised ? "" : refusal);
    } catch (error) {
      setText(errorNode, error.message);
    }
  };
  onSubmit("unlock", () => {
    setToken(element("token").value.trim());
    show(NOT_PRINTED);
  });
  addEventListener(GIVEN, () => show(NOT_PRINTED));
  addEventListener(REFUSED, () => show("The token is not valid any more: give the one that the follower printed last."));
  return () => show();
}

async function request(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The follower did not answer.");
  }
  const data = await answer.json().catch(() => ({}));
  if (answer.status === 401) dispatchEvent(new Event(REFUSED));
  if (!answer.ok) throw new Error(data.error ?? `The follower answered ${answer.status}.`);
  return data;
}

function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function setToken(given) {
  token = given;
  remember(THIS_TAB, STORED, token);
}

// Takes the token from the address that the follower printed, and out of the address bar, where others might read it.
// Returns whether there was one.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return false;
  setToken(given);
  history.replaceState(null, "", location.pathname);
  return true;
}
