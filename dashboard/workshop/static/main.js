// Connects the parts of the workshop: models and recordings, refreshed repeatedly, and the form that starts a training.
import { ask, setUpUnlocking, tryCall } from "../../static/calls.js";
import { element, onSubmit, setText } from "../../static/page.js";
import { ActiveModel } from "./active_model.js";
import { fill, fillRecordings, tickedIn } from "./choices.js";
import { Comparison } from "./comparison.js";
import { Training } from "./training.js";

const REFRESH = 1500; // milliseconds
const training = new Training();
const comparison = new Comparison();
const activeModel = new ActiveModel(refresh);

async function refresh() {
  const [{ models, active_model: active, trainings, training: current, size_bands: bands }, { recordings }] = await Promise.all([
    ask("/api/workshop"),
    ask("/api/recordings"),
  ]);
  fill(element("init"), models);
  activeModel.show(active, models);
  fillRecordings(element("train-recordings"), recordings);
  element("no-recordings").hidden = recordings.length > 0;
  warnOfPseudoLabels();
  comparison.list(models, recordings);
  training.list(trainings, current, bands);
  await Promise.all([training.refresh(), comparison.refresh()]);
}

async function keepFresh() {
  if (!document.hidden) {
    try {
      await refresh();
      setText(element("connection-complaint"), "");
    } catch (error) {
      setText(element("connection-complaint"), error.message);
    }
  }
  setTimeout(keepFresh, REFRESH);
}

function warnOfPseudoLabels() {
  const names = tickedIn(element("train-recordings"), true);
  const parts = [
    `Labelled by the model itself, mistakes included: ${names.join(", ")}.`,
    "Such frames are used for training, never for validation.",
    element("promote").checked ? "To replace the model, add data or recordings with ground truth." : "",
  ];
  element("pseudo-labels").hidden = names.length === 0;
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
  const started = await tryCall("/api/workshop/trainings", request, element("complaint"));
  element("start").disabled = false;
  if (!started) return;
  element("training-name").value = "";
  await training.choose(started.name);
});

element("promote").addEventListener("change", () => {
  element("better-field").hidden = !element("promote").checked;
  warnOfPseudoLabels();
});
element("train-recordings").addEventListener("change", warnOfPseudoLabels);
setUpUnlocking(["activate", "train", "comparing"].map(element), element("complaint"))();
keepFresh();
