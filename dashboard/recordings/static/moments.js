// Moments of a recording to jump to: target found or lost, marks.
import { make } from "../../static/page.js";
import { playingTime } from "./recording.js";

const STATES = ["found", "lost", "searching"];
const MAX_LINES = 500;

export function showMoments(list, frames, seek) {
  const lines = [];
  frames.all.forEach((frame, index) => {
    const add = (kind, text) => lines.push(makeLine(frames.seconds[index], kind, text, () => seek(index)));
    if (frame.note) add("mark", frame.note);
    if (frame.changed && STATES.includes(frame.state)) {
      add(frame.state, frame.range ? `${frame.state}, ${frame.range.metres.toFixed(1)} m away` : frame.state);
    }
  });
  const shown = lines.slice(0, MAX_LINES);
  if (shown.length !== list.childElementCount) list.replaceChildren(...shown); // otherwise keep the focus
}

function makeLine(seconds, kind, text, act) {
  const button = make("button", { type: "button" }, make("span", {}, playingTime(seconds)), make("span", {}, text));
  button.addEventListener("click", act);
  return make("li", { dataset: { kind } }, button);
}
