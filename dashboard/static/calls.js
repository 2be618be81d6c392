// HTTP calls to the follower; those that change something need a token where other machines can connect.
import { element, onSubmit, setText } from "./page.js";

const STORED = "follow-me-token";
let token = takeToken();

// The answer to a GET request. Throws an Error with a sentence for people.
export function ask(path) {
  return fetchJson(path, { headers: authorization() });
}

// A file as a Blob. Throws an Error.
export async function fetchBlob(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.blob();
}

// The answer to a request that changes something; null if it failed: then the node `complaint` says why.
export async function call(path, body, complaint) {
  const headers = { "Content-Type": "application/json", ...authorization() };
  try {
    const answer = await fetchJson(path, { method: "POST", headers, body: JSON.stringify(body) });
    setText(complaint, "");
    return answer;
  } catch (error) {
    setText(complaint, error.message);
    return null;
  }
}

// Returns a function that shows the nodes `controls` to authorised callers, and to others the form for the token.
export function setUpUnlocking(controls, complaint) {
  const show = async (tried = false) => {
    try {
      const { authorised } = await ask("/api/controls");
      for (const node of controls) node.hidden = !authorised;
      element("unlock").hidden = authorised;
      setText(complaint, !authorised && tried ? "This is not the token that the follower printed." : "");
    } catch (error) {
      setText(complaint, error.message);
    }
  };
  onSubmit("unlock", () => {
    token = element("token").value.trim();
    sessionStorage.setItem(STORED, token);
    show(true);
  });
  return () => show();
}

async function fetchJson(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The follower did not answer.");
  }
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.error ?? `The follower answered ${answer.status}.`);
  return data;
}

function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

// From the address that the follower printed, and out of the address bar, where others might read it.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(null, "", location.pathname);
  }
  return given ?? sessionStorage.getItem(STORED);
}
