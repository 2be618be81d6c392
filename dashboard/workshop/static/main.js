// Connects the parts of the workshop: models and recordings, refreshed repeatedly, and the form that starts a training.
import { fetchJson, post, setUpUnlocking } from "../../static/calls.js";
import { element, onSubmit, setText } from "../../static/page.js";
import { fill, fillRecordings, tickedIn } from "./choices.js";
import { Comparison } from "./comparison.js";
import { showSweeps } from "./sweeps.js";
import { Training } from "./training.js";

const REFRESH = 1500; // milliseconds
const training = new Training();
const comparison = new Comparison();

async function refresh() {
  try {
    const [workshop, { recordings }] = await Promise.all([fetchJson("/api/workshop"), fetchJson("/api/recordings")]);
    const { models, active_model: active, trainings, sweeps, training: current, size_bands: bands } = workshop;
    fill(element("init"), models);
    showActive(active, models);
    fillRecordings(element("train-recordings"), recordings);
    warnOfPseudoLabels();
    comparison.list(models, recordings);
    training.list(trainings, current, bands);
    showSweeps(sweeps);
    await Promise.all([training.refresh(), comparison.refresh()]);
    setText(element("connection-error"), "");
  } catch (error) {
    setText(element("connection-error"), error.message);
  }
}

async function keepFresh() {
  if (!document.hidden) await refresh();
  setTimeout(keepFresh, REFRESH);
}

function showActive({ model, loading, changed, refused }, models) {
  fill(element("next-model"), models);
  element("activate-button").disabled = Boolean(loading);
  let state = "is active. A model that is trained or promoted here becomes active only when you activate it.";
  if (changed) state = "is active as it was loaded; its file has changed since. Activate it again to load the new file.";
  if (loading) state = `stays active while ${loading} is being loaded…`;
  setText(element("active-name"), model ?? "a model that is not in the list");
  setText(element("active-state"), state);
  setText(element("active-error"), refused ? `${refused.model} cannot be activated: ${refused.error}` : "");
}

function warnOfPseudoLabels() {
  const names = tickedIn(element("train-recordings"), true);
  const parts = [
    `Labelled by a model or propagated, mistakes included: ${names.join(", ")}.`,
    "Such frames are used for training, never for validation.",
    element("promote").checked ? "To replace the model, add data or recordings with ground truth." : "",
  ];
  setText(element("pseudo-labels"), names.length ? parts.filter(Boolean).join(" ") : "");
}

onSubmit("train", async () => {
  const request = {
    init: element("init").value,
    recordings: tickedIn(element("train-recordings")),
    data: element("data").value.split("\n").map((line) => line.trim()).filter(Boolean),
    minutes: element("minutes").valueAsNumber,
    name: element("training-name").value.trim(),
    promote: element("promote").checked,
    better: element("better").value,
    skip_bad: element("skip-bad").checked,
  };
  element("start").disabled = true;
  const started = await post("/api/workshop/trainings", request, element("page-error"));
  element("start").disabled = false;
  if (!started) return;
  element("training-name").value = "";
  training.chosen = false;
  await refresh();
});

onSubmit("activate", async () => {
  const request = { model: element("next-model").value };
  if (await post("/api/workshop/active-model", request, element("activate-error"))) await refresh();
});

for (const id of ["promote", "train-recordings"]) element(id).addEventListener("change", warnOfPseudoLabels);
setUpUnlocking(["activate", "train", "comparing"].map(element), element("page-error"))();
keepFresh();
