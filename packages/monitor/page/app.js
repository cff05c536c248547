// Joins the page: the list of runs, the stream of the chosen one, its figures and charts, and the search.
import { createChart } from "./chart.js";
import { count, duration, loss, rate, whole } from "./figures.js";
import { addMore, fromState, isFull } from "./run-state.js";

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
const $ = (id) => /** @type {T} */ (document.getElementById(id));

/** @param {string} tag @param {{ [key: string]: string }} [properties] @param {...(Node | string)} children */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const LIST_MS = 4000;
/** A run that says nothing for so long may have been killed. */
const SILENT_S = 60;

const charts = {
  loss: createChart({ title: "Loss", unit: "nats a token", wide: true, format: loss }),
  rate: createChart({ title: "Learning rate", fromZero: true, format: rate }),
  speed: createChart({ title: "Throughput", unit: "tokens a second", fromZero: true, format: count }),
  norm: createChart({ title: "Gradient norm", unit: "before clipping", fromZero: true, format: count }),
};
$("charts").append(...Object.values(charts).map(({ figure }) => figure));

/** @type {any[]} */
let runs = [];
/** @type {string | undefined} */
let chosen;
/** @type {ReturnType<typeof fromState> | undefined} */
let state;
/** @type {EventSource | undefined} */
let source;

// --- the list of runs

/** @param {any} run */
function lifeOf(run) {
  if (run.damaged !== undefined) return "damaged";
  if (run.ended !== null) return "ended";
  return run.time !== null && Date.now() - run.time < SILENT_S * 1000 ? "live" : "silent";
}

function showList() {
  $("no-runs").hidden = runs.length > 0;
  $("runs").replaceChildren(
    ...runs.map((run) => {
      const life = lifeOf(run);
      const said = { damaged: "damaged", live: "training", silent: "silent", ended: run.ended }[life];
      const value = run.validation ?? run.loss;
      const link = make(
        "a",
        { href: `#${encodeURIComponent(run.name)}` },
        make("span", { className: `dot ${life}`, ariaHidden: "true" }),
        make("strong", { textContent: run.name, title: run.name }),
        make("span", { className: "figure", textContent: typeof value === "number" ? value.toFixed(3) : "" }),
        make("small", { textContent: life === "damaged" ? said : `${said} · step ${whole(run.step)}` }),
      );
      if (run.name === chosen) link.setAttribute("aria-current", "page");
      return make("li", {}, link);
    }),
  );
}

async function refreshList() {
  try {
    const response = await fetch("/api/runs");
    runs = await response.json();
    // What happens now comes first, then the newest.
    runs.sort((a, b) => Number(lifeOf(b) === "live") - Number(lifeOf(a) === "live") || (b.time ?? 0) - (a.time ?? 0));
    const run = runs.find(({ name }) => name === chosen);
    // It may have begun, or been mended, since it was asked for.
    if (source === undefined && (chosen === undefined || (run !== undefined && run.damaged === undefined))) choose();
    showList();
    showSearch();
    if (run !== undefined) showStatus(run);
  } catch {
    notice("The dashboard does not answer. Is it still running?");
  }
}

// --- the stream of the chosen run

/** The run that the address names behind its #. */
function asked() {
  try {
    return decodeURIComponent(location.hash.slice(1)) || undefined;
  } catch {
    return undefined;
  }
}

function choose() {
  const name = asked() ?? runs[0]?.name;
  if (name === undefined) return;
  chosen = name;
  state = undefined;
  source?.close();
  source = undefined;
  $("run").hidden = true;
  $("hits").replaceChildren();
  $("search-status").textContent = "";
  const run = runs.find((each) => each.name === name);
  if (run === undefined) notice(`There is no run ${name}.`);
  else if (run.damaged !== undefined) notice(run.damaged);
  else {
    notice(undefined);
    follow(name);
  }
  showList();
}

/** @param {string} name */
function follow(name) {
  source?.close();
  const stream = new EventSource(`/api/runs/${encodeURIComponent(name)}/events`);
  source = stream;
  stream.addEventListener("state", ({ data }) => {
    state = fromState(JSON.parse(data));
    show();
  });
  stream.addEventListener("more", ({ data }) => {
    if (state === undefined) return;
    addMore(state, JSON.parse(data));
    // The server knows how to thin: beyond so many points its state is asked for again.
    if (isFull(state)) follow(name);
    else show();
  });
  stream.addEventListener("problem", ({ data }) => {
    const problem = JSON.parse(data);
    notice(problem === null ? undefined : `The events of this run cannot be read: ${problem}`);
  });
  stream.addEventListener("open", () => notice(undefined));
  stream.addEventListener("error", () => {
    if (source !== stream) return;
    notice("The connection was lost; trying again.");
    // A browser tries again by itself unless it was refused.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => source === stream && follow(name), 3000);
  });
}

// --- the chosen run

/** @param {string | undefined} text */
function notice(text) {
  $("notice").hidden = text === undefined;
  if ($("notice").textContent !== (text ?? "")) $("notice").textContent = text ?? "";
}

/** @param {any} run */
function showStatus(run) {
  const life = lifeOf(run);
  const silent = run.time === null ? "not begun" : `silent for ${duration((Date.now() - run.time) / 1000)}`;
  const text = life === "ended" ? run.ended : life === "live" ? "training" : silent;
  const pill = $("status");
  pill.className = `pill ${life === "ended" ? run.ended : life}`;
  // Said aloud only when it changes; the seconds of a silent run are not.
  if (pill.textContent !== text) pill.textContent = text;
}

function show() {
  if (state === undefined) return;
  const { progress, series } = state;
  const { run, report } = progress;
  const begun = run !== null || report !== null;
  $("run").hidden = !begun;
  if (!begun) return notice("This run has not begun yet.");
  $("name").textContent = chosen ?? "";
  $("about").textContent =
    run === null ? "" : [`${count(run.parameters)} parameters`, `${run.engine} on ${run.device}`].join(" · ");
  document.title = report === null ? `${chosen} · pipe` : `${loss(report.loss)} · ${chosen} · pipe`;
  const listed = runs.find(({ name }) => name === chosen);
  if (listed !== undefined) {
    // The stream knows it before the list does.
    const time = Math.max(listed.time ?? 0, report?.time ?? 0, run?.time ?? 0) || null;
    showStatus(Object.assign(listed, { ended: progress.ended, time }));
  }
  showProgress(progress);
  showTiles(progress);
  /** @param {string} name */
  const points = (name) => series.get(name) ?? [];
  charts.loss.show([
    { name: "training", color: 0, smooth: true, points: points("loss") },
    { name: "validation", color: 1, marked: true, points: points("validation/loss") },
  ]);
  charts.rate.show([{ name: "rate", color: 0, points: points("rate") }]);
  charts.speed.show([{ name: "tokens a second", color: 0, points: points("tokensPerSecond") }]);
  charts.norm.show([{ name: "norm", color: 0, smooth: true, points: points("norm") }]);
  showSamples(state.samples);
  showNotes(state.notes);
}

/** @param {any} progress */
function showProgress({ run, report, etaSeconds, ended, skipped }) {
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
function showTiles({ report, evaluation, tokensPerSecond, seconds }) {
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
function showSamples(samples) {
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
function showNotes(notes) {
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
  const text = JSON.stringify([chosen, value]);
  if (shown.get(part) === text) return false;
  shown.set(part, text);
  return true;
}

// --- the search

function showSearch() {
  $("search").hidden = !runs.find(({ name }) => name === chosen)?.searchable;
}

let searches = 0;
$("search-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const mine = ++searches;
  const query = new URLSearchParams({
    q: /** @type {HTMLInputElement} */ (document.getElementById("query")).value,
    mode: /** @type {HTMLInputElement} */ (document.getElementById("meaning")).checked ? "hybrid" : "lexical",
  });
  $("search-status").textContent = "Searching…";
  try {
    const response = await fetch(`/api/runs/${encodeURIComponent(chosen ?? "")}/search?${query}`);
    const found = await response.json();
    if (mine !== searches) return; // a later search is under way
    if (!response.ok) throw new Error(found.error);
    $("search-status").textContent = found.length === 0 ? "Nothing found." : `${found.length} found`;
    $("hits").replaceChildren(...found.map(hit));
  } catch (error) {
    if (mine !== searches) return;
    $("search-status").textContent = error instanceof Error ? error.message : "The search failed.";
    $("hits").replaceChildren();
  }
});

/** @param {any} found */
function hit({ path, line, heading, snippet }) {
  return make(
    "li",
    {},
    make("strong", { textContent: heading.length > 0 ? heading.join(" › ") : path }),
    make("span", { className: "quiet", textContent: `  ${path}:${line}` }),
    make("p", { textContent: snippet.trim().replaceAll(/\s+/g, " ") }),
  );
}

// What stands behind the # is the run's name.
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
addEventListener("hashchange", () => {
  if (asked() === chosen) return;
  choose();
  showSearch();
});
await refreshList();
setInterval(() => document.hidden || refreshList(), LIST_MS);
