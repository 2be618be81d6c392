// What happened in a recording, to jump to: found, lost, marked.
const WORDS = { found: "found", lost: "lost", searching: "searching" };
const MOST = 500;

export function showMoments(list, frames, seek) {
  const lines = [];
  frames.all.forEach((frame, index) => {
    if (frame.note) lines.push(line(frames.seconds[index], "mark", frame.note, () => seek(index)));
    if (frame.changed && frame.state in WORDS) {
      const away = frame.range ? `, ${frame.range.metres.toFixed(1)} m away` : "";
      lines.push(line(frames.seconds[index], frame.state, WORDS[frame.state] + away, () => seek(index)));
    }
  });
  const shown = lines.slice(0, MOST);
  if (shown.length !== list.childElementCount) list.replaceChildren(...shown); // else the keyboard would lose its place
}

function line(seconds, kind, words, act) {
  const item = document.createElement("li");
  item.dataset.kind = kind;
  const button = document.createElement("button");
  button.type = "button";
  const time = document.createElement("span");
  time.textContent = `${Math.floor(seconds / 60)}:${Math.floor(seconds % 60).toString().padStart(2, "0")}`;
  const text = document.createElement("span");
  text.textContent = words;
  button.append(time, text);
  button.addEventListener("click", act);
  item.append(button);
  return item;
}
