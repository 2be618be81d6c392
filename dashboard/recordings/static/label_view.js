// The picture with its labels, enlarged and moved; says where in the image a pointer is, in pixels.
import { element, make } from "../../static/page.js";
import { paintClasses } from "../../static/picture.js";
import { colour, drawOnChange, fitCanvas } from "../../static/theme.js";

const MOST_ZOOM = 24;
const WHEEL_UNITS = [1, 33, 250]; // pixels in a pixel, a line and a page, by `deltaMode`
const [WHEEL_PIXELS, MOST_STEP] = [250, 0.4]; // to zoom by e; exponent of one event, as of a mouse's notch
const OPACITY = 0.5;

export class LabelView {
  cursor = null; // [row, column], moved by keys
  brush = 0; // pixels; 0 for tools without a size
  overlay = true;
  #canvas = element("picture");
  #classes = make("canvas");
  #image = null;
  #labels = null;
  #zoom = 1;
  #centre = [0.5, 0.5]; // what is in the middle: fractions of height and width
  #pointer = null; // [row, column]
  #fingers = new Map(); // of touch, by id

  // `onStroke` is called with "start", "move" and "end" or "cancel", and the place: [row, column], fractions of pixels.
  constructor(onStroke) {
    drawOnChange(this.#canvas, () => this.draw());
    this.#canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const pixels = event.deltaY * WHEEL_UNITS[event.deltaMode]; // of a trackpad few, but often
      this.zoom(Math.exp(Math.min(Math.max(-pixels / WHEEL_PIXELS, -MOST_STEP), MOST_STEP)), event);
    }, { passive: false });
    this.#listen(onStroke);
  }

  show(image, labels) { // null: nothing, or labels without their image
    [this.#image, this.#labels] = [image, labels];
    this.draw();
  }

  zoom(factor, event = null) {
    if (!this.#labels) return;
    const before = event && this.#place(event);
    this.#zoom = Math.min(Math.max(this.#zoom * factor, 1), MOST_ZOOM);
    if (before) { // what is under the pointer stays there
      const after = this.#place(event);
      const { rows, columns } = this.#labels;
      this.#centre = [this.#centre[0] + (before[0] - after[0]) / rows, this.#centre[1] + (before[1] - after[1]) / columns];
    } else if (this.cursor) this.lookAt(this.cursor);
    if (this.#zoom === 1) this.#centre = [0.5, 0.5];
    this.draw();
  }

  showAll() {
    [this.#zoom, this.#centre] = [1, [0.5, 0.5]];
    this.draw();
  }

  lookAt([row, column]) {
    const within = (part) => Math.min(Math.max(part, 0.5 / this.#zoom), 1 - 0.5 / this.#zoom); // no empty room beside it
    this.#centre = [within((row + 0.5) / this.#labels.rows), within((column + 0.5) / this.#labels.columns)];
  }

  draw() {
    const context = fitCanvas(this.#canvas);
    if (!this.#labels) return;
    const { rows, columns, pixels } = this.#labels;
    const { scale, left, top } = this.#frame();
    context.imageSmoothingEnabled = scale < 3;
    if (this.#image) context.drawImage(this.#image, left, top, columns * scale, rows * scale);
    if (this.overlay) {
      paintClasses(this.#classes, rows, columns, (place) => pixels[place]);
      context.imageSmoothingEnabled = false;
      context.globalAlpha = OPACITY;
      context.drawImage(this.#classes, left, top, columns * scale, rows * scale);
      context.globalAlpha = 1;
    }
    for (const place of [this.cursor, this.#pointer]) if (place) this.#drawCursor(context, place, scale, left, top);
  }

  #drawCursor(context, [row, column], scale, left, top) {
    const [x, y] = [left + (column + 0.5) * scale, top + (row + 0.5) * scale];
    const radius = Math.max((this.brush * scale) / 2, 5);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * radius, y + dy * radius);
      context.lineTo(x + dx * (radius + 5), y + dy * (radius + 5));
    }
    for (const [width, ink] of [[3, "rgb(0 0 0 / 0.6)"], [1.4, colour("--card")]]) {
      [context.lineWidth, context.strokeStyle] = [width, ink];
      context.stroke();
    }
  }

  #frame() { // the scale, and where the image's corner is
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const { rows, columns } = this.#labels;
    const scale = Math.min(width / columns, height / rows) * this.#zoom;
    const along = (shown, size, centre) => shown / 2 - Math.min(Math.max(centre, 0), 1) * size * scale;
    return { scale, left: along(width, columns, this.#centre[1]), top: along(height, rows, this.#centre[0]) };
  }

  #place({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    const { scale, left, top } = this.#frame();
    return [(clientY - box.top - top) / scale - 0.5, (clientX - box.left - left) / scale - 0.5];
  }

  #listen(onStroke) {
    let stroke = false;
    const end = (event, phase) => {
      this.#fingers.delete(event.pointerId);
      if (stroke && !this.#fingers.size) onStroke(phase);
      stroke &&= this.#fingers.size > 0;
    };
    this.#canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.#labels) return;
      this.#canvas.setPointerCapture(event.pointerId);
      this.#fingers.set(event.pointerId, event);
      if (this.#fingers.size === 1) {
        stroke = true;
        onStroke("start", this.#place(event));
      } else if (stroke) { // a second finger: to zoom, not to paint
        stroke = false;
        onStroke("cancel");
      }
    });
    this.#canvas.addEventListener("pointermove", (event) => {
      if (!this.#labels) return;
      if (this.#fingers.size > 1) return this.#pinch(event);
      this.#pointer = event.pointerType === "mouse" || stroke ? this.#place(event) : null;
      if (stroke) for (const each of event.getCoalescedEvents?.() ?? [event]) onStroke("move", this.#place(each));
      this.draw();
    });
    this.#canvas.addEventListener("pointerup", (event) => end(event, "end"));
    this.#canvas.addEventListener("pointercancel", (event) => end(event, "cancel")); // the system has taken the touch
    this.#canvas.addEventListener("pointerleave", () => {
      this.#pointer = null;
      this.draw();
    });
  }

  #pinch(event) {
    const before = [...this.#fingers.values()];
    this.#fingers.set(event.pointerId, event);
    const after = [...this.#fingers.values()];
    const apart = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const middle = ([one, other]) => ({ clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
    const [from, to] = [this.#place(middle(before)), this.#place(middle(after))];
    const { rows, columns } = this.#labels;
    this.#centre = [this.#centre[0] + (from[0] - to[0]) / rows, this.#centre[1] + (from[1] - to[1]) / columns];
    this.zoom(apart(after) / Math.max(apart(before), 1), middle(after));
  }
}
