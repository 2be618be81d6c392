// The table of sweeps, which python -m model.sweep runs: how far each is, and its best trial.
import { element, make } from "../../static/page.js";

export function showSweeps(sweeps) {
  element("sweeps").hidden = sweeps.length === 0;
  element("sweep-rows").replaceChildren(
    ...sweeps.map((sweep) => {
      const { metric, best } = sweep;
      const cells = [sweep.name, describeTrials(sweep), best ? `${metric} ${best.value.toFixed(4)}, trial ${best.trial}` : "", best ? describe(best.settings) : ""];
      return make("tr", {}, ...cells.map((text) => make("td", {}, text)));
    }),
  );
}

function describeTrials({ trials, complete, pruned, failed, running }) {
  const parts = { complete, pruned, failed, running };
  const counts = Object.entries(parts).filter(([, count]) => count).map(([state, count]) => `${count} ${state}`);
  return `${counts.join(", ") || "none"} of ${trials}`;
}

const describe = (settings) => Object.entries(settings).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ");
