// The buttons: each is one HTTP call, described in docs/dashboard.md.
const element = (id) => document.getElementById(id);
const STORED = "follow-me-token";

export class Controls {
  #simulator = null; // the one that is looked at
  #recording = null;
  #token = takeToken();

  constructor() {
    element("pause").addEventListener("click", () => this.#onSimulator("pause", { paused: !this.#simulator.paused }));
    element("give-up").addEventListener("click", () => this.#onSimulator("give-up", {}));
    onSubmit("mark", async () => {
      if (await this.#call("mark", { note: element("note").value })) element("note").value = "";
    });
    onSubmit("record", () => this.#record());
    onSubmit("unlock", () => {
      this.#token = element("token").value.trim();
      sessionStorage.setItem(STORED, this.#token);
      this.askWhetherAllowed(true);
    });
  }

  setTokenNeeded(needed) {
    if (needed) this.askWhetherAllowed(false);
  }

  async askWhetherAllowed(complain) {
    const answer = await fetch("/api/controls", { headers: this.#headers() });
    const { allowed } = await answer.json();
    element("control-set").hidden = !allowed;
    element("unlock").hidden = allowed;
    element("control-error").textContent = !allowed && complain ? "This is not the token that the follower printed." : "";
  }

  show(simulator, recording) {
    this.#simulator = simulator ?? null;
    this.#recording = recording;
    element("pause").disabled = element("give-up").disabled = !simulator;
    const paused = Boolean(simulator?.paused);
    element("pause").setAttribute("aria-pressed", paused);
    setText(element("pause"), paused ? "Resume commands" : "Pause commands");
    element("record").hidden = !recording;
    if (!recording) return;
    element("controls").dataset.recording = recording.recording;
    for (const field of ["run-name", "run-only"]) element(field).hidden = recording.recording;
    setText(element("record-button"), recording.recording ? "Stop recording" : "Record");
    setText(element("record-state"), recording.recording ? `${recording.name}: ${recording.megabytes} MB` : "");
  }

  async #record() {
    if (this.#recording.recording) return this.#call("recording/stop", {});
    const only = element("run-only").value.split(",").filter(Boolean);
    const request = { name: element("run-name").value.trim(), only };
    if (await this.#call("recording/start", request)) element("run-name").value = "";
  }

  #onSimulator(action, body) {
    if (this.#simulator) this.#call(`simulators/${this.#simulator.number}/${action}`, body);
  }

  async #call(path, body) {
    let error = "";
    try {
      const headers = { "Content-Type": "application/json", ...this.#headers() };
      const answer = await fetch(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      if (!answer.ok) ({ error } = await answer.json());
    } catch {
      error = "The follower did not answer.";
    }
    element("control-error").textContent = error;
    return !error;
  }

  #headers() {
    return this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
  }
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

function onSubmit(id, action) {
  element(id).addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
