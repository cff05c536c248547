// The figures and texts of a run.
import { $, make } from "./dom.js";
import { count, duration, loss, rate, whole } from "./figures.js";

/** @param {any} progress */
export function showProgress({ run, report, etaSeconds, ended, skipped }) {
  $("progress").hidden = report === null;
  if (report === null) return;
  const budget = run?.steps ?? run?.tokens;
  const inSteps = run?.steps !== undefined || budget === undefined;
  const bar = /** @type {HTMLProgressElement} */ (document.getElementById("bar"));
  bar.hidden = budget === undefined;
  bar.max = budget ?? 1;
  bar.value = inSteps ? report.step : report.tokens;
  const step = `step ${whole(report.step)}`;
  const done = inSteps ? step : `${step}, ${count(report.tokens)} tokens`;
  $("progress-text").textContent = [
    budget === undefined ? done : `${done} of ${inSteps ? whole(budget) : count(budget)}`,
    ...(ended === null && etaSeconds !== null ? [`${duration(etaSeconds)} left`] : []),
    ...(skipped > 0 ? [`${whole(skipped)} skipped`] : []),
  ].join(" · ");
}

/** @param {any} progress */
export function showTiles({ report, evaluation, tokensPerSecond, seconds }) {
  const metrics = evaluation?.metrics ?? {};
  /** @type {[name: string, value: string, more: string][]} */
  const tiles = [
    ["Training", loss(report?.loss), "loss"],
    ["Validation", loss(metrics.loss), evaluation === null ? "loss" : `loss at ${whole(evaluation.step)}`],
    ...Object.entries(metrics).flatMap(([name, value]) =>
      name === "loss" ? [] : [/** @type {[string, string, string]} */ ([name, metric(name, value), ""])],
    ),
    ["Learning rate", rate(report?.rate), ""],
    ["Throughput", count(tokensPerSecond), "tokens/s"],
    ["Tokens", count(report?.tokens), `in ${duration(seconds)}`],
  ];
  $("tiles").replaceChildren(
    ...tiles.map(([name, value, more]) =>
      make(
        "div",
        {},
        make("dt", { textContent: spaced(name) }),
        make("dd", { textContent: value }),
        ...(more === "" ? [] : [make("dd", { className: "more", textContent: more })]),
      ),
    ),
  );
}

/** @param {string} name @param {any} value */
function metric(name, value) {
  if (value === null) return "–";
  if (/accuracy$/i.test(name)) return `${(100 * value).toFixed(1)} %`;
  return Math.abs(value) < 1000 ? value.toPrecision(3) : count(value);
}

/** bitsPerByte: "Bits per byte". @param {string} name */
function spaced(name) {
  const words = name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {readonly any[]} samples */
export function showSamples(samples) {
  if (!changed("samples", samples)) return;
  $("samples").replaceChildren(
    ...(samples.length === 0 ? [make("p", { className: "quiet", textContent: "Nothing yet." })] : []),
    ...samples
      .toReversed()
      .slice(0, 4)
      .map(({ step, prompt, text }) =>
        make(
          "article",
          {},
          make("h3", { textContent: `step ${whole(step)}` }),
          make("p", {}, make("strong", { textContent: prompt }), text),
        ),
      ),
  );
}

/** @param {readonly any[]} notes */
export function showNotes(notes) {
  if (!changed("notes", notes)) return;
  $("notes").replaceChildren(
    ...notes
      .toReversed()
      .slice(0, 12)
      .map(({ event, time, text }) => {
        const bad = event === "warning" || event === "checkpoint-failed";
        const when = new Date(time);
        return make(
          "li",
          { className: bad ? "warning" : "" },
          make("time", { dateTime: when.toISOString(), textContent: when.toLocaleTimeString() }),
          make("p", { textContent: text }),
        );
      }),
  );
}

/** @type {Map<string, string>} */
const shown = new Map();
/** Whether a list is not what is shown: only then its elements are replaced, so that text stays selected. @param {string} part @param {unknown} value */
function changed(part, value) {
  const text = JSON.stringify(value);
  if (shown.get(part) === text) return false;
  shown.set(part, text);
  return true;
}
