// The list of recordings. Looks again every few seconds: one may be growing.
import { ask } from "../../static/calls.js";
import { duration, element, setText } from "../../static/page.js";
import { setUpTheme } from "../../static/theme.js";
import { bytes, moment, callAddress, runAddress, STATES } from "./runs.js";

const [SOON, LATER] = [2000, 10000]; // milliseconds: while one is growing, and else
let runs = [];
let shown = "";

async function refresh() {
  if (!document.hidden) {
    try {
      ({ recordings: runs } = await ask("/api/recordings"));
      setText(element("complaint"), "");
      show();
    } catch (error) {
      setText(element("complaint"), error.message);
    }
  }
  setTimeout(refresh, runs.some((run) => run.state === "recording") ? SOON : LATER);
}

function show() {
  const wanted = element("search").value.trim().toLowerCase();
  const found = runs.filter((run) => run.name.toLowerCase().includes(wanted));
  const now = JSON.stringify(found);
  if (now === shown) return; // whoever is reading a row, or has the keyboard on it, is left alone
  shown = now;
  setText(element("count"), runs.length ? `${runs.length}` : "");
  element("empty").hidden = runs.length > 0;
  element("runs").hidden = runs.length === 0;
  const held = document.activeElement?.closest("#rows a")?.getAttribute("href");
  element("rows").replaceChildren(...found.map(row));
  if (held) [...element("rows").querySelectorAll("a")].find((link) => link.getAttribute("href") === held)?.focus();
}

function row(run) {
  const line = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  const link = document.createElement("a");
  link.href = runAddress(run.name);
  if (run.poster) {
    const picture = document.createElement("img");
    picture.src = callAddress(run.name, "images", run.poster);
    picture.alt = "";
    picture.loading = "lazy";
    link.append(picture);
  }
  const text = document.createElement("span");
  text.textContent = run.name;
  link.append(text);
  name.append(link);
  if (run.state !== "finished") {
    const state = document.createElement("span");
    state.className = "state";
    state.dataset.state = run.state;
    state.textContent = STATES[run.state] ?? run.state;
    name.append(state);
  }
  const share = run.frames ? ` (${Math.round((100 * run.visible) / run.frames)} %)` : "";
  line.append(
    name,
    cell("Begun", moment(run.started)),
    cell("Length", duration(run.seconds)),
    cell("Frames", run.frames),
    cell("With the hero", `${run.visible}${share}`),
    cell("Hidden", run.hidden || "–"),
    cell("Size", bytes(run.bytes)),
  );
  return line;
}

function cell(title, text) {
  const made = document.createElement("td");
  made.dataset.title = title;
  made.textContent = text;
  return made;
}

element("search").addEventListener("input", show);
setUpTheme(element("theme"), () => {});
refresh();
