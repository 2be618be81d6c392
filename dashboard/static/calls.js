// HTTP calls to the follower; those that change something need a token where other machines can connect.
const STORED = "follow-me-token";
let token = takeToken();

// What a GET answers. Throws an Error with a sentence for people.
export function ask(path) {
  return fetchJson(path, { headers: authorization() });
}

// What a call that changes something answers. Throws an Error with a sentence for people.
export function call(path, body) {
  const headers = { "Content-Type": "application/json", ...authorization() };
  return fetchJson(path, { method: "POST", headers, body: JSON.stringify(body) });
}

// For a page with controls: gives a function that shows `controls` to whoever may use them, and `form`, which asks for
// the token, to everybody else. `complain` gets a sentence when that goes wrong.
export function setUpUnlocking(form, controls, complain) {
  const show = async (tried = false) => {
    try {
      const { authorised } = await ask("/api/controls");
      controls.hidden = !authorised;
      form.hidden = authorised;
      complain(!authorised && tried ? "This is not the token that the follower printed." : "");
    } catch (error) {
      complain(error.message);
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    token = form.elements.token.value.trim();
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

// From the address that the follower printed, and out of the address bar: others may look over one's shoulder.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(null, "", location.pathname);
  }
  return given ?? sessionStorage.getItem(STORED);
}
