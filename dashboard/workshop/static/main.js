// Wires the workshop: what there is, asked for again and again; the form that starts a training; what goes on.
import { ask, call, setUpUnlocking } from "../../static/calls.js";
import { element, onSubmit, setText } from "../../static/page.js";
import { setUpTheme } from "../../static/theme.js";
import { fill, fillRecordings, tickedIn } from "./choices.js";
import { Comparison } from "./comparison.js";
import { ActiveModel } from "./active_model.js";
import { Training } from "./training.js";

const REFRESH = 1500; // milliseconds
const training = new Training();
const comparison = new Comparison();
const activeModel = new ActiveModel(() => refresh());
const controls = {
  set hidden(hidden) {
    for (const form of ["activate", "train", "comparing"]) element(form).hidden = hidden;
  },
};

async function refresh() {
  const [{ models, active_model: active, trainings, training: current }, { recordings }] = await Promise.all([
    ask("/api/workshop"),
    ask("/api/recordings"),
  ]);
  fill(element("init"), models);
  activeModel.show(active, models);
  fillRecordings(element("train-recordings"), recordings);
  element("no-recordings").hidden = recordings.length > 0;
  warnOfGuesses();
  comparison.list(models, recordings);
  training.list(trainings, current);
  await Promise.all([training.refresh(), comparison.refresh()]);
}

async function keepFresh() {
  if (!document.hidden) {
    try {
      await refresh();
      if (element("complaint").dataset.of === "refresh") complain("");
    } catch (error) {
      complain(error.message, "refresh");
    }
  }
  setTimeout(keepFresh, REFRESH);
}

function complain(sentence, of = "") {
  element("complaint").dataset.of = of;
  setText(element("complaint"), sentence);
}

function warnOfGuesses() {
  const names = tickedIn(element("train-recordings"), true);
  element("guesses").hidden = names.length === 0;
  if (names.length === 0) return;
  const parts = [
    `Labelled by the model that flew, mistakes and all: ${names.join(", ")}.`,
    "Such frames may be learnt from, but nothing is measured on them.",
    element("promote").checked ? "To replace the model, add data or recordings with true labels." : "",
  ];
  setText(element("guesses"), parts.filter(Boolean).join(" "));
}

onSubmit("train", async () => {
  const body = {
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
  try {
    const { name } = await call("/api/workshop/trainings", body);
    complain("");
    element("training-name").value = "";
    await training.choose(name);
  } catch (error) {
    complain(error.message);
  } finally {
    element("start").disabled = false;
  }
});

element("promote").addEventListener("change", () => {
  element("better-field").hidden = !element("promote").checked;
  warnOfGuesses();
});
element("train-recordings").addEventListener("change", warnOfGuesses);
setUpTheme(element("theme"), () => {
  training.draw();
  comparison.draw();
});
setUpUnlocking(element("unlock"), controls, complain)();
keepFresh();
