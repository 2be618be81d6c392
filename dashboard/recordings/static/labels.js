// The page on which the labels of a recording are corrected: connects the list of suspicious frames, the picture, the
// tools and the calls. A frame's unsaved changes stay until they are saved or discarded, whatever else is shown.
import { fetchBlob, fetchJson, post, setUpUnlocking } from "../../static/calls.js";
import { element, once, onKeys, setText } from "../../static/page.js";
import { ALWAYS, recall, remember } from "../../static/storage.js";
import "../../static/theme.js";
import { Frames, LABEL_SOURCES } from "./frames.js";
import { LabelTools } from "./label_tools.js";
import { HERO, PEOPLE } from "./labelling.js";
import { OpenedFrames } from "./opened_frames.js";
import { Queue } from "./queue.js";
import { callAddress, dateAndTime } from "./recording.js";

const STORED_NAME = "follow-me-name";
const name = decodeURIComponent(location.pathname.split("/").at(-2));
const errorNode = element("control-error");

const frames = new Frames(name);
const opened = new OpenedFrames(name);
const queue = new Queue(open);
const tools = new LabelTools(() => (element("control-set").hidden ? null : (current()?.labels ?? null)), show);
const { view } = tools;
let shown = null; // name of the frame
let displayed = null; // the opened one of which the picture is: of the frame before, until the shown one has arrived
let drawn = false; // whether its image is: labels are accepted only on top of it
let failed = false; // whether its image or its labels could not be loaded

function current() { // what may be changed: nothing that is not in the picture
  return opened.get(shown) === displayed ? displayed : null;
}

async function open(frame) {
  if (!frame) return;
  [shown, drawn, failed] = [frame, false, false];
  element("save").disabled = element("load").hidden = true; // until it is known what there is to see
  history.replaceState(null, "", `#${frame}`);
  view.cursor = null;
  setText(element("outcome"), "");
  setText(errorNode, "");
  const known = frames.all.find((each) => each.name === frame);
  try {
    if (!known) throw new Error(`there is no frame ${frame}`);
    const [image] = await Promise.all([
      fetchBlob(callAddress(name, "images", known.image)).then((blob) => createImageBitmap(blob)).catch(() => null),
      opened.load(frame),
    ]);
    if (frame !== shown) return; // another one was opened meanwhile
    drawn = Boolean(image);
    setText(element("page-error"), image ? "" : "This image cannot be read, so its labels cannot be accepted.");
    displayed = opened.get(frame);
    view.show(image, displayed.labels);
  } catch (error) {
    if (frame !== shown) return;
    setText(element("page-error"), error.message);
    displayed = null;
    view.show(null, null); // not the frame before under this one's name
  }
  failed = !drawn && Boolean(known);
  show();
}

function show() {
  const here = current();
  setText(element("frame-name"), shown ?? "");
  setText(element("reasons"), queue.reasons(shown));
  for (const [id, label] of [["hero", HERO], ["people", PEOPLE]])
    setText(element(`${id}-pixels`), here ? `${here.labels.count(label)} px` : "–");
  setText(element("whose"), here ? whose(here.about) : "");
  setText(element("save"), here?.labels.changed ? "Save" : "Accept");
  const seen = drawn && here?.about.runs; // what is not shown has not been reviewed
  element("save").disabled = !seen && !here?.labels.changed;
  element("undo").disabled = !here?.labels.canUndo;
  element("redo").disabled = !here?.labels.canRedo;
  element("load").hidden = !failed && (!here?.refused || here.labels.changed); // with changes, discarding them loads it
  element("discard").disabled = !here?.labels.changed;
  element("restore").disabled = !here?.about.old.length || here.labels.changed;
  element("propagate").disabled = !here || here.labels.changed || !["simulator", "person"].includes(here.about.label_source);
  element("picture").ariaLabel = here ? `Frame ${shown} with its labels` : "Image with labels; no frame yet";
  element("picture").dataset.frame = here ? shown : "";
  view.draw();
  queue.show(shown, (frame) => opened.hasDraft(frame));
}

function whose({ label_source: source, labelled_by: by, old, runs }) {
  const before = old.at(-1);
  const who = source === "person" && by ? `ground truth, by ${by}` : `${LABEL_SOURCES[source]}${by ? `, by ${by}` : ""}`;
  const when = before ? ` · changed ${dateAndTime(before.replaced)}` : "";
  return `${runs ? "" : "the mask cannot be read: paint who is there, or choose No target here · "}${who}${when}`;
}

function change(act) {
  if (!current() || element("control-set").hidden) return;
  act(current().labels);
  show();
}

async function save() {
  const [frame, here] = [shown, current()];
  if (!here || element("save").disabled) return;
  element("save").disabled = true; // until there is an answer
  if (await here.save(by(), errorNode)) {
    queue.mark(frame, true);
    if (frame === shown && !here.labels.changed) await next(1);
    setText(element("outcome"), `Frame ${frame} is ground truth now.`);
  }
  show();
}

async function discard() {
  const here = current();
  if (!here) return;
  try {
    await here.discard();
    setText(errorNode, "");
  } catch (error) {
    setText(errorNode, error.message);
  }
  show();
}

async function restore() {
  const [frame, here] = [shown, current()];
  if (!here || element("restore").disabled) return;
  if (await here.restore(errorNode)) queue.mark(frame, false);
  show();
}

async function propagate() {
  const [frame, here] = [shown, current()];
  if (!here || element("propagate").disabled) return;
  const answer = await post(callAddress(name, "labels", frame, "propagate"), { by: by() }, errorNode);
  if (!answer) return;
  for (const each of answer.propagated) queue.mark(each, true);
  if (answer.propagated.includes(shown)) await open(shown); // opened meanwhile, with the labels before
  const count = answer.propagated.length;
  setText(element("outcome"), `Propagated to ${count} ${count === 1 ? "frame" : "frames"}. It ends here: ${answer.ended}.`);
  show();
}

function next(step) {
  return open(queue.next(shown, step));
}

function move(step) { // frames in the order of time
  const place = frames.all.findIndex((frame) => frame.name === shown);
  open(frames.all[Math.min(Math.max(place + step, 0), frames.all.length - 1)]?.name);
}

const by = () => element("by").value.trim();
const actions = {
  none: () => change((labels) => labels.noTarget()),
  undo: () => change((labels) => labels.undo()),
  redo: () => change((labels) => labels.redo()),
  discard, restore, save, propagate,
  load: () => open(shown),
  next: () => next(1),
  last: () => next(-1),
  back: () => move(-1),
  forward: () => move(1),
  "zoom-in": () => view.zoom(1.5),
  "zoom-out": () => view.zoom(1 / 1.5),
  "zoom-all": () => view.showAll(),
  overlay: () => {
    view.overlay = !view.overlay;
    element("overlay").ariaPressed = view.overlay;
    view.draw();
  },
};
for (const [id, act] of Object.entries(actions)) element(id).addEventListener("click", act);
onKeys(document, { // Enter held down must not accept frames that nobody looked at
  Enter: once(save), Escape: once(discard), r: once(restore), m: once(propagate),
  j: actions.next, k: actions.last, x: actions.none, z: actions.undo, y: actions.redo, h: actions.overlay, ...tools.keys,
  ArrowLeft: ({ shiftKey }) => move(shiftKey ? -10 : -1),
  ArrowRight: ({ shiftKey }) => move(shiftKey ? 10 : 1),
  "+": actions["zoom-in"], "=": actions["zoom-in"], "-": actions["zoom-out"], 0: actions["zoom-all"],
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.target.closest("input:not([type=radio], [type=range])")) return;
  const act = { z: event.shiftKey ? actions.redo : actions.undo, y: actions.redo }[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
// After a click on a control, keys are the picture's again: a chosen radio button would take the arrow keys.
document.addEventListener("click", ({ detail, target }) => {
  if (detail && target.closest("button, .choice, [type=range]")) element("picture").focus({ preventScroll: true });
});
element("by").value = recall(ALWAYS, STORED_NAME, "");
element("by").addEventListener("change", () => remember(ALWAYS, STORED_NAME, by()));
addEventListener("beforeunload", (event) => {
  if (opened.hasDrafts) event.preventDefault();
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) start(); // labels may have changed since it was left
});
addEventListener("hashchange", () => open(location.hash.slice(1)));

async function start() {
  setText(element("recording-link"), name);
  element("recording-link").href = `/recordings/${encodeURIComponent(name)}`;
  document.title = `Labels of ${name} · Follow me`;
  const wanted = location.hash.slice(1);
  try {
    await frames.load(true);
    if (wanted) open(wanted);
    const { frames: suspects } = await fetchJson(callAddress(name, "suspicious"));
    queue.set(suspects);
    if (!wanted) await open(queue.first ?? frames.all[0]?.name);
    if (!frames.all.length) throw new Error("There are no frames in this recording.");
    if (!suspects.length) setText(element("outcome"), "No frame is suspicious. All can be corrected: arrow keys.");
    show();
  } catch (error) {
    setText(element("page-error"), error.message);
  }
}

setUpUnlocking([element("control-set")], errorNode)();
start();
