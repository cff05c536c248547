// A line chart in SVG: drawn anew when its lines change or its width does; a cursor follows the pointer or the arrow keys.
import { tick, ticks, trend, values, whole } from "./figures.js";

/** @typedef {import("./figures.js").Point} Point */
/** @typedef {{ name: string, color: 0 | 1, marked?: boolean, smooth?: boolean, points: readonly Point[] }} Line */

const LEFT = 46;
const BOTTOM = 22;
const TOP = 8;
const RIGHT = 10;

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
function svg(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** @param {{ title: string, unit?: string, wide?: boolean, fromZero?: boolean, format: (value: number) => string }} options */
export function createChart({ title, unit, wide = false, fromZero = false, format }) {
  const figure = document.createElement("figure");
  if (wide) figure.className = "wide";
  const caption = document.createElement("figcaption");
  const heading = document.createElement("h2");
  heading.textContent = title;
  caption.append(heading);
  if (unit !== undefined) {
    const what = document.createElement("span");
    what.className = "quiet";
    what.textContent = unit;
    caption.append(what);
  }
  const keys = document.createElement("span");
  const output = document.createElement("output");
  caption.append(keys, output);
  const plot = svg("svg", { role: "img", tabindex: 0, "aria-label": title });
  figure.append(caption, plot);

  /** @type {readonly Line[]} */
  let lines = [];
  /** @type {number | undefined} */
  let cursor;
  let asked = false;
  let x = (/** @type {number} */ _step) => 0;
  let y = (/** @type {number} */ _value) => 0;
  /** @type {(px: number) => number} */
  let stepAt = () => 0;

  const ask = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
  new ResizeObserver(ask).observe(plot);

  function draw() {
    const { width, height } = plot.getBoundingClientRect();
    const all = lines.flatMap(({ points }) => points);
    plot.replaceChildren();
    if (width < 80 || all.length === 0) return;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    let first = Math.min(...lines.map(({ points }) => points[0]?.[0] ?? Infinity));
    const last = Math.max(...lines.map(({ points }) => points.at(-1)?.[0] ?? 0), first + 1);
    if (first <= last / 5) first = 0;
    const range = values(all, fromZero);
    const room = (range.max - range.min) * 0.05;
    const min = fromZero && range.min === 0 ? 0 : range.min - room;
    const max = range.max + room;
    const [right, bottom] = [width - RIGHT, height - BOTTOM];
    x = (step) => LEFT + ((step - first) / (last - first)) * (right - LEFT);
    y = (value) => Math.max(TOP - 20, bottom - ((value - min) / (max - min)) * (bottom - TOP));
    stepAt = (px) => first + ((px - LEFT) / (right - LEFT)) * (last - first);

    for (const value of ticks({ min, max }, Math.max(2, Math.round(height / 45)))) {
      plot.append(
        svg("line", { class: "grid", x1: LEFT, x2: right, y1: y(value), y2: y(value) }),
        svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, tick(value)),
      );
    }
    plot.append(svg("line", { class: "axis", x1: LEFT, x2: right, y1: bottom, y2: bottom }));
    const most = Math.min(Math.max(2, Math.round(width / 110)), last - first); // whole steps
    for (const step of ticks({ min: first, max: last }, most)) {
      plot.append(svg("text", { x: Math.min(x(step), right - 8), y: height - 4, "text-anchor": "middle" }, tick(step)));
    }
    for (const { color, marked, smooth, points } of lines) {
      if (smooth) plot.append(svg("path", { class: `line faint line-${color}`, d: path(points) }));
      plot.append(svg("path", { class: `line line-${color}`, d: path(smooth ? trend(points) : points) }));
      if (!marked) continue;
      for (const [step, value] of points) {
        if (value === null) continue;
        plot.append(
          svg("circle", { class: `line-${color}`, cx: x(step), cy: y(value), r: points.length > 60 ? 2 : 4 }),
        );
      }
    }
    drawCursor();
  }

  /** @param {readonly Point[]} points */
  function path(points) {
    let text = "";
    let pen = "M";
    for (const [step, value] of points) {
      if (value === null) {
        pen = "M"; // a gap where there is no number
        continue;
      }
      text += `${pen}${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
    return text;
  }

  function drawCursor() {
    plot.querySelector(".cursor")?.remove();
    const newest = cursor === undefined;
    const read = lines.flatMap((line) => {
      const point = newest ? line.points.at(-1) : nearest(line.points, /** @type {number} */ (cursor));
      return point === undefined || point[1] === null ? [] : [{ line, step: point[0], value: point[1] }];
    });
    const said = read
      .map(({ line, value }) => `${lines.length > 1 ? `${line.name} ` : ""}${format(value)}`)
      .join(" · ");
    const step = read[0]?.step;
    plot.setAttribute(
      "aria-label",
      step === undefined ? `${title}: nothing yet` : `${title}: ${said} at step ${whole(step)}`,
    );
    output.textContent = newest || step === undefined ? "" : `step ${whole(step)}: ${said}`;
    if (newest || step === undefined) return;
    const { height } = plot.getBoundingClientRect();
    plot.append(svg("line", { class: "cursor", x1: x(step), x2: x(step), y1: TOP, y2: height - BOTTOM }));
  }

  plot.addEventListener("pointermove", (event) => {
    cursor = stepAt(event.clientX - plot.getBoundingClientRect().left);
    drawCursor();
  });
  const leave = () => {
    cursor = undefined;
    drawCursor();
  };
  plot.addEventListener("pointerleave", leave);
  plot.addEventListener("blur", leave);
  plot.addEventListener("keydown", (event) => {
    const points = lines[0]?.points ?? [];
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -50, PageDown: 50, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || points.length === 0) return;
    event.preventDefault();
    const at = cursor === undefined ? points.length - 1 : indexOf(points, cursor);
    cursor = points[Math.max(0, Math.min(points.length - 1, at + by))]?.[0];
    drawCursor();
  });

  return {
    figure,
    /** @param {readonly Line[]} given */
    show(given) {
      lines = given.filter(({ points }) => points.length > 0);
      if (lines.length > 1 && keys.childElementCount !== lines.length) {
        keys.replaceChildren(
          ...lines.map(({ name, color }) => {
            const key = document.createElement("span");
            key.className = `key line-${color}`;
            key.textContent = `${name} `;
            return key;
          }),
        );
      } else if (lines.length < 2) keys.replaceChildren();
      ask();
    },
  };
}

/** @param {readonly Point[]} points @param {number} step */
function nearest(points, step) {
  return points[indexOf(points, step)];
}

/** The point nearest to a step, by bisection. @param {readonly Point[]} points @param {number} step */
function indexOf(points, step) {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? 0) < step) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1];
  const here = points[low];
  return before !== undefined && here !== undefined && step - before[0] < here[0] - step ? low - 1 : low;
}
