// Panels: a part of a page that loads by itself, and says so when it cannot.

import { Problem, SignedOut } from "/console/lib/api.js";
import { h, newId, replace } from "/console/lib/dom.js";

/** What is wrong, in plain words, with a way to try again. */
export function problemBox(error, retry) {
  const problem = error instanceof Problem ? error : null;
  if (!problem) console.error(error);
  const wait = problem?.retryAfter ? ` Try again in ${problem.retryAfter} s.` : "";
  return h(
    "div.problem",
    { role: "alert" },
    h("p.problem-title", {}, titleOf(problem)),
    h("p", {}, `${problem?.message ?? "This part of the page has an error of its own."}${wait}`),
    problem?.errors.length > 0 &&
      h("ul", {}, problem.errors.map((one) => h("li", {}, `${one.field}: ${one.message}`))),
    problem?.requestId && h("p.muted.small", {}, `Request ${problem.requestId}`),
    retry && h("button", { type: "button", onclick: retry }, "Try again"),
  );
}

const TITLES = {
  0: "No connection",
  403: "Not allowed",
  404: "Not found",
  429: "Too many requests",
  503: "The server is busy",
};

function titleOf(problem) {
  if (!problem) return "Something went wrong";
  return TITLES[problem.status] ?? problem.title ?? "That did not work";
}

/** What a list says that has nothing to show, and what to do about it. */
export function emptyState(title, text, action = null) {
  return h("div.empty", {}, h("p.empty-title", {}, title), h("p", {}, text), action);
}

function skeleton(height) {
  const element = h("div.skeleton", { "aria-hidden": "true" });
  element.style.blockSize = height;
  return element;
}

/** Shows what `load` gives through `render`, once it is there; returns a reload.
 *
 * While it loads again, what was there stays, so that nothing jumps.
 */
export function loadInto(body, { load, render, height = "12rem", signal }) {
  let turn = 0;
  const reload = async () => {
    turn += 1;
    const mine = turn;
    body.setAttribute("aria-busy", "true");
    if (!body.hasChildNodes() || body.querySelector(":scope > .problem")) {
      replace(body, skeleton(height));
    }
    try {
      const found = await load();
      if (mine !== turn || signal?.aborted) return;
      replace(body, render(found, reload));
    } catch (error) {
      if (mine !== turn || signal?.aborted || error.name === "AbortError") return;
      if (error instanceof SignedOut) return;
      replace(body, problemBox(error, reload));
    } finally {
      if (mine === turn) body.removeAttribute("aria-busy");
    }
  };
  reload();
  return reload;
}

/** A titled card whose content loads by itself; `wide` takes a whole row, `half` a half. */
export function panel({ title, note, actions, wide = false, half = false, ...loading }) {
  const id = newId("panel");
  const body = h("div.panel-body");
  const element = h(
    `section.card${wide ? ".wide" : ""}${half ? ".half" : ""}`,
    { "aria-labelledby": id },
    h(
      "header.card-head",
      {},
      h("h2", { id }, title),
      note && h("p.muted.small", {}, note),
      actions && h("div.actions", {}, actions),
    ),
    body,
  );
  element.reload = loadInto(body, loading);
  return element;
}

/** A titled card with what is there already. */
export function card(title, ...children) {
  const id = newId("panel");
  return h(
    "section.card",
    { "aria-labelledby": id },
    h("header.card-head", {}, h("h2", { id }, title)),
    children,
  );
}
