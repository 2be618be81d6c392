// The active model, and the form that activates another.
import { call } from "../../static/calls.js";
import { element, onSubmit, setText } from "../../static/page.js";
import { fill } from "./choices.js";

export class ActiveModel {
  #complaint = ""; // about the call itself

  constructor(refresh) {
    onSubmit("activate", async () => {
      try {
        await call("/api/workshop/active-model", { model: element("next-model").value });
        this.#complaint = "";
        await refresh();
      } catch (error) {
        this.#complaint = error.message;
        setText(element("active-complaint"), error.message);
      }
    });
  }

  // `active` is null where the model cannot be switched.
  show(active, models) {
    element("active").hidden = !active;
    if (!active) return;
    fill(element("next-model"), models);
    element("activate-button").disabled = Boolean(active.loading);
    setText(element("active-name"), active.model ?? "a model that is not in the list");
    setText(element("active-state"), describe(active));
    const { refused } = active;
    setText(element("active-complaint"), refused ? `${refused.model} cannot be activated: ${refused.error}` : this.#complaint);
  }
}

function describe({ loading, changed }) {
  if (loading) return `stays active while ${loading} is being loaded…`;
  if (changed) return "is active as it was loaded; its file has changed since. Activate it again to load the new file.";
  return "is active. A model that is trained or promoted here becomes active only when you activate it.";
}
