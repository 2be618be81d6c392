// The controls of the flight: each is one HTTP call, described in docs/reference/http.md.
import { setUpUnlocking, tryCall } from "../../static/calls.js";
import { element, onSubmit, setText } from "../../static/page.js";

export class Controls {
  checkAuthorisation = setUpUnlocking([element("control-set")], element("control-error"));
  #simulator = null; // the one that is shown
  #recording = null;

  constructor() {
    element("pause").addEventListener("click", () => this.#onSimulator("pause", { paused: !this.#simulator.paused }));
    element("drop-target").addEventListener("click", () => this.#onSimulator("drop-target", {}));
    onSubmit("mark", async () => {
      if (await act("mark", { note: element("note").value })) element("note").value = "";
    });
    onSubmit("record", () => this.#record());
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
    for (const field of ["recording-name", "recording-filter"]) element(field).hidden = recording.recording;
    setText(element("record-button"), recording.recording ? "Stop recording" : "Record");
    setText(element("record-state"), recording.recording ? `${recording.name}: ${recording.megabytes} MB` : "");
  }

  async #record() {
    if (this.#recording.recording) return act("recording/stop", {});
    const filter = JSON.parse(element("recording-filter").value); // null: as in the settings
    const request = { name: element("recording-name").value.trim(), filter };
    if (await act("recording/start", request)) element("recording-name").value = "";
  }

  #onSimulator(action, body) {
    if (this.#simulator) act(`simulators/${this.#simulator.number}/${action}`, body);
  }
}

// Returns whether the call succeeded, and shows why if not.
export async function act(path, body) {
  return (await tryCall(`/api/${path}`, body, element("control-error"))) !== null;
}
