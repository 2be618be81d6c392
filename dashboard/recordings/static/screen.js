// The image of one frame: fetches its files and the next ones, draws them with the overlay.
import { fetchBlob } from "../../static/calls.js";
import { element, setText } from "../../static/page.js";
import { drawPicture, readDepth, readMask } from "../../static/picture.js";
import { Recent } from "../../static/recent.js";
import { drawOnChange, fitCanvas } from "../../static/theme.js";
import { callAddress } from "./recording.js";

const KEPT = 60; // decoded frames
const MAX_FETCHES = 6; // at a time
const SOURCES = { simulator: "labels: ground truth", model: "labels: pseudo-labels" };

export class Screen {
  shown = null; // the frame that is drawn
  busy = false; // another one is being fetched
  #recording;
  #canvas = element("picture");
  #opacity = element("opacity");
  #contents = new Recent(KEPT); // promises of the pictures, by name of a frame
  #content = null;
  #wanted = null;
  #upcoming = [];
  #fetching = 0;

  constructor(recording) {
    this.#recording = recording;
    this.#opacity.addEventListener("input", () => this.#draw());
    for (const choice of document.querySelectorAll("input[name=picture]")) {
      choice.addEventListener("change", () => {
        this.#contents.clear();
        if (this.shown) this.show(this.shown);
      });
    }
    drawOnChange(this.#canvas, () => this.#draw());
  }

  // Draws a frame; of several calls while one is being fetched, the last counts. `upcoming` are fetched ahead.
  async show(frame, upcoming = []) {
    [this.#wanted, this.#upcoming] = [frame, upcoming];
    if (this.busy) return;
    this.busy = true;
    try {
      do {
        frame = this.#wanted;
        const content = this.#load(frame);
        for (const each of this.#upcoming) {
          if (this.#fetching >= MAX_FETCHES) break;
          this.#load(each);
        }
        this.#content = await content;
        this.shown = frame;
        this.#draw();
      } while (frame !== this.#wanted);
    } finally {
      this.busy = false;
    }
  }

  #draw() {
    setText(element("opacity-value"), `${this.#opacity.value} %`);
    const { shown: frame } = this;
    const { picture, mask, problem } = this.#content ?? {};
    element("picture-empty").hidden = Boolean(picture);
    setText(element("picture-empty"), problem ?? "No image yet");
    if (picture) {
      const size = [picture.height, picture.width];
      drawPicture(this.#canvas, picture, mask, this.#opacity.value / 100, { ...frame, size });
    } else {
      fitCanvas(this.#canvas);
    }
    setText(element("hero-pixels"), frame ? `${frame.hero} px` : "–");
    setText(element("people-pixels"), frame ? `${frame.people} px` : "–");
    setText(element("label-source"), picture && !mask ? "labels: unreadable" : (SOURCES[frame?.source] ?? ""));
    this.#canvas.setAttribute("aria-label", frame ? describe(frame) : "Camera image; none yet");
    this.#canvas.dataset.frame = frame?.name ?? "";
  }

  #load(frame) {
    return this.#contents.get(frame.name, () => this.#fetch(frame));
  }

  async #fetch(frame) {
    const depth = document.querySelector("input[name=picture]:checked").value === "depth";
    const file = (part, name) => fetchBlob(callAddress(this.#recording, part, name));
    if (depth && !frame.depth) return { problem: "No depth image was recorded" };
    const picture = depth
      ? file("depth", `${frame.name}.png`).then(readDepth)
      : file("images", frame.image).then((blob) => createImageBitmap(blob));
    const mask = file("masks", `${frame.name}.png`).then(readMask).catch(() => null);
    this.#fetching++;
    try {
      return { picture: await picture, mask: await mask };
    } catch {
      return { problem: "This image cannot be read" };
    } finally {
      this.#fetching--;
    }
  }
}

function describe({ name, detection, range }) {
  if (!detection) return `Frame ${name}: target not detected`;
  return `Frame ${name}: target detected${range ? `, ${range.metres.toFixed(1)} metres away` : ""}`;
}
