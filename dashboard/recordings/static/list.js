// The list of recordings, refreshed repeatedly because a recording may be in progress.
import { fetchJson } from "../../static/calls.js";
import { duration, element, make, setText } from "../../static/page.js";
import "../../static/theme.js";
import { bytes, callAddress, dateAndTime, STATES } from "./recording.js";

const REFRESH_WHILE_RECORDING = 2000; // milliseconds
const REFRESH = 10000; // milliseconds
let recordings = [];
let shown = "";

async function refresh() {
  if (!document.hidden) {
    try {
      ({ recordings } = await fetchJson("/api/recordings"));
      setText(element("page-error"), "");
      show();
    } catch (error) {
      setText(element("page-error"), error.message);
    }
  }
  const growing = recordings.some((each) => each.state === "recording");
  setTimeout(refresh, growing ? REFRESH_WHILE_RECORDING : REFRESH);
}

function show() {
  const query = element("search").value.trim().toLowerCase();
  const found = recordings.filter((each) => each.name.toLowerCase().includes(query));
  const content = JSON.stringify(found);
  if (content === shown) return; // so that unchanged rows keep selection and focus
  shown = content;
  setText(element("count"), recordings.length ? `${recordings.length}` : "");
  element("empty").hidden = recordings.length > 0;
  element("recordings").hidden = recordings.length === 0;
  const focused = document.activeElement?.closest("#rows a")?.getAttribute("href");
  element("rows").replaceChildren(...found.map(row));
  if (focused) [...element("rows").querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
}

function row({ name, state, started, seconds, frames, visible, hidden, bytes: size, poster }) {
  const link = make("a", { href: `/recordings/${encodeURIComponent(name)}` });
  if (poster) link.append(make("img", { src: callAddress(name, "images", poster), alt: "", loading: "lazy" }));
  link.append(make("span", {}, name));
  const heading = make("th", { scope: "row" }, link);
  if (state !== "finished") heading.append(make("span", { className: "state", dataset: { state } }, STATES[state] ?? state));
  const percentage = frames ? ` (${Math.round((100 * visible) / frames)} %)` : "";
  const cells = {
    "Started": dateAndTime(started),
    "Length": duration(seconds),
    "Frames": frames,
    "With the target": `${visible}${percentage}`,
    "Hidden": hidden || "–",
    "Size": bytes(size),
  };
  return make("tr", {}, heading, ...Object.entries(cells).map(([title, text]) => make("td", { dataset: { title } }, text)));
}

element("search").addEventListener("input", show);
refresh();
