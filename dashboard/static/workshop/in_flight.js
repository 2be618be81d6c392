// The model that flies, and the wish that another takes its place.
import { call } from "../shared/calls.js";
import { element, onSubmit, setText } from "../shared/page.js";
import { fill } from "./choices.js";

export class InFlight {
  #complaint = ""; // about the call itself

  // `refresh` asks for everything anew.
  constructor(refresh) {
    onSubmit("fly", async () => {
      try {
        await call("/api/workshop/flying", { model: element("next").value });
        this.#complaint = "";
        await refresh();
      } catch (error) {
        this.#complaint = error.message;
        setText(element("fly-complaint"), error.message);
      }
    });
  }

  // What the follower says; null where no other model can take its place.
  show(flying, models) {
    element("flying").hidden = !flying;
    if (!flying) return;
    fill(element("next"), models);
    element("fly-button").disabled = Boolean(flying.loading);
    setText(element("flies"), flying.model ?? "a model that is not in the list");
    setText(element("fly-state"), describe(flying));
    const { refused } = flying;
    setText(element("fly-complaint"), refused ? `${refused.model} cannot fly: ${refused.error}` : this.#complaint);
  }
}

function describe({ loading, changed }) {
  if (loading) return `flies on while ${loading} is being loaded…`;
  if (changed) return "flies as it was when it was loaded; its file is another one by now. Fly it to take that over.";
  return "flies. A model that is trained or promoted here takes its place once you let it fly.";
}
