// The buttons: each is one HTTP call, described in docs/dashboard.md.
import { call, setUpUnlocking } from "../../static/calls.js";
import { element, onSubmit, setText } from "../../static/page.js";

export class Controls {
  #simulator = null; // the one that is looked at
  #recording = null;
  #showWhatIsAllowed = setUpUnlocking(element("unlock"), element("control-set"), complain);

  constructor() {
    element("pause").addEventListener("click", () => this.#onSimulator("pause", { paused: !this.#simulator.paused }));
    element("drop-target").addEventListener("click", () => this.#onSimulator("drop-target", {}));
    onSubmit("mark", async () => {
      if (await act("mark", { note: element("note").value })) element("note").value = "";
    });
    onSubmit("record", () => this.#record());
  }

  setTokenNeeded(needed) {
    if (needed) this.#showWhatIsAllowed();
  }

  show(simulator, recording) {
    this.#simulator = simulator ?? null;
    this.#recording = recording;
    element("pause").disabled = element("drop-target").disabled = !simulator;
    const paused = Boolean(simulator?.paused);
    element("pause").setAttribute("aria-pressed", paused);
    setText(element("pause"), paused ? "Resume commands" : "Pause commands");
    element("record").hidden = !recording;
    if (!recording) return;
    element("controls").dataset.recording = recording.recording;
    for (const field of ["run-name", "run-filter"]) element(field).hidden = recording.recording;
    setText(element("record-button"), recording.recording ? "Stop recording" : "Record");
    setText(element("record-state"), recording.recording ? `${recording.name}: ${recording.megabytes} MB` : "");
  }

  async #record() {
    if (this.#recording.recording) return act("recording/stop", {});
    const filter = JSON.parse(element("run-filter").value); // null leaves it to the settings
    const request = { name: element("run-name").value.trim(), filter };
    if (await act("recording/start", request)) element("run-name").value = "";
  }

  #onSimulator(action, body) {
    if (this.#simulator) act(`simulators/${this.#simulator.number}/${action}`, body);
  }
}

// Asks for something and shows what is wrong with it; whether it was done.
export async function act(path, body) {
  try {
    await call(`/api/${path}`, body);
  } catch (error) {
    complain(error.message);
    return false;
  }
  complain("");
  return true;
}

function complain(sentence) {
  element("control-error").textContent = sentence;
}
