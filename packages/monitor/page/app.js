// Joins the page: the list of runs, the stream of the chosen one, its figures and charts, and the search.
import { createChart } from "./chart.js";
import { $, make } from "./dom.js";
import { count, duration, loss, rate, whole } from "./figures.js";
import { addMore, fromState, isFull } from "./run-state.js";
import { showNotes, showProgress, showSamples, showTiles } from "./run-view.js";
import { listen } from "./search.js";

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
  if (run.imported !== undefined && run.time === null) return "imported";
  return run.time !== null && Date.now() - run.time < SILENT_S * 1000 ? "live" : "silent";
}

function showList() {
  $("no-runs").hidden = runs.length > 0;
  $("runs").replaceChildren(
    ...runs.map((run) => {
      const life = lifeOf(run);
      const silent = run.time === null ? "not begun" : "silent";
      const said = { damaged: "damaged", imported: "imported", live: "training", silent, ended: run.ended }[life];
      const value = run.validation ?? run.loss;
      const link = make(
        "a",
        { href: `#${encodeURIComponent(run.name)}` },
        make("span", { className: `dot ${life}`, ariaHidden: "true" }),
        make("strong", { textContent: run.name, title: run.name }),
        make("span", { className: "figure", textContent: typeof value === "number" ? value.toFixed(3) : "" }),
        make("small", {
          textContent: life === "damaged" || life === "imported" ? said : `${said} · step ${whole(run.step)}`,
        }),
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

/** @param {any} run */
function nothingYet(run) {
  if (run?.imported === undefined) return "This run has not begun yet.";
  return `The weights of this run were imported from ${run.imported}: there is no training to show.`;
}

function show() {
  if (state === undefined) return;
  const { progress, series } = state;
  const { run, report } = progress;
  const begun = run !== null || report !== null;
  $("run").hidden = !begun;
  if (!begun) return notice(nothingYet(runs.find(({ name }) => name === chosen)));
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

// --- the search

function showSearch() {
  $("search").hidden = !runs.find(({ name }) => name === chosen)?.searchable;
}

// What stands behind the # is the run's name.
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
listen(() => chosen);
addEventListener("hashchange", () => {
  if (asked() === chosen) return;
  choose();
  showSearch();
});
await refreshList();
setInterval(() => document.hidden || refreshList(), LIST_MS);
