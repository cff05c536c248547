// The search in the text of a run.
import { $, make } from "./dom.js";

let searches = 0;

/** Searches what is asked in the run that is shown then. @param {() => string | undefined} run */
export function listen(run) {
  $("search-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const mine = ++searches;
    const name = run();
    const query = new URLSearchParams({
      q: /** @type {HTMLInputElement} */ (document.getElementById("query")).value,
      mode: /** @type {HTMLInputElement} */ (document.getElementById("meaning")).checked ? "hybrid" : "lexical",
    });
    $("search-status").textContent = "Searching…";
    try {
      const response = await fetch(`/api/runs/${encodeURIComponent(name ?? "")}/search?${query}`);
      const found = await response.json();
      if (mine !== searches || name !== run()) return; // a later search, or another run, is shown
      if (!response.ok) throw new Error(found.error);
      $("search-status").textContent = found.length === 0 ? "Nothing found." : `${found.length} found`;
      $("hits").replaceChildren(...found.map(hit));
    } catch (error) {
      if (mine !== searches || name !== run()) return;
      $("search-status").textContent = error instanceof Error ? error.message : "The search failed.";
      $("hits").replaceChildren();
    }
  });
}

/** @param {any} found */
function hit({ path, line, heading, snippet, highlights }) {
  return make(
    "li",
    {},
    make("strong", { textContent: heading.length > 0 ? heading.join(" › ") : path }),
    make("span", { className: "quiet", textContent: `  ${path}:${line}` }),
    make("p", {}, ...marked(snippet, highlights)),
  );
}

/** A text in which ranges are marked. @param {string} text @param {[number, number][]} ranges */
function marked(text, ranges) {
  const ends = [0, ...ranges.map(([, end]) => end)];
  const parts = ranges.flatMap(([begin, end], at) => [
    text.slice(ends[at], begin),
    make("mark", { textContent: text.slice(begin, end) }),
  ]);
  return [...parts, text.slice(ends.at(-1))];
}
