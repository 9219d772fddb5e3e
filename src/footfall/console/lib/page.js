// The head of a page: where it is, what it is called, what can be done there.

import { h } from "/console/lib/dom.js";
import { icon } from "/console/lib/icons.js";

export function pageHead(title, { note = null, actions = null, back = null } = {}) {
  return h(
    "header.page-head",
    {},
    back && h("a.back", { href: back.href }, icon("back"), back.label),
    h("div.page-title", {}, h("h1", { tabindex: -1 }, title), note && h("p.muted", {}, note)),
    actions && h("div.actions", {}, actions),
  );
}

const TONES = {
  receiving: "good", delivered: "good", enabled: "good", active: "good", live: "good",
  silent: "warn", failed: "warn", behind: "warn", waiting: "calm", paused: "calm",
  sealed: "bad", given_up: "bad", disabled: "bad", revoked: "calm",
};

/** A word for a state; its colour only repeats what the word says. */
export function badge(state, text = state.replaceAll("_", " ")) {
  return h(`span.badge.${TONES[state] ?? "calm"}`, {}, text);
}

/** What things are called and what they are. */
export function facts(entries) {
  return h(
    "dl.facts",
    {},
    entries
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}
