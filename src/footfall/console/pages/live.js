// Live events: the log as it is committed, with filters, a pause, and rows that open.

import { at, get, withQuery } from "/console/lib/api.js";
import { copyButton } from "/console/lib/dialogs.js";
import { h, newId, replace } from "/console/lib/dom.js";
import * as events from "/console/lib/events.js";
import { plural } from "/console/lib/format.js";
import { choices } from "/console/lib/forms.js";
import { icon } from "/console/lib/icons.js";
import { badge, pageHead } from "/console/lib/page.js";
import { emptyState, loadInto, problemBox } from "/console/lib/panels.js";
import { follow } from "/console/lib/stream.js";
import { exportButton } from "/console/lib/table.js";

const FIRST = 50;
// A page of thousands of rows helps nobody and slows the browser down.
const ROWS_MAX = 300;
const COLUMNS = events.eventColumns();

export function show({ app, query, signal }) {
  const body = h("div");
  loadInto(body, {
    signal,
    load: () => app.places(),
    render: (places) => new Live(app, places, query, signal).element,
  });
  return [pageHead("Live events", { note: "The log as it is stored, newest first." }), body];
}

class Live {
  #rows = [];
  #waiting = [];
  #known = new Set();
  #paused = false;
  #follower = null;
  #frame = 0;

  constructor(app, places, query, signal) {
    Object.assign(this, { app, places, signal });
    this.filter = {
      events: query.get("events") ?? "",
      locations: query.get("locations") ?? "",
      customerId: query.get("customerId") ?? "",
    };
    this.state = h("span.state", { role: "status" });
    this.failure = h("div");
    this.news = h("button.news", { type: "button", hidden: true, onclick: () => this.#showNews() });
    this.pauseButton = h("button", { type: "button", onclick: () => this.#pause(!this.#paused) });
    this.body = h("tbody", { role: "rowgroup" });
    this.none = h("div", {}, emptyState("Waiting for events", "They appear here the moment they are stored."));
    this.element = [this.#toolbar(), this.failure, h("div.news-place", {}, this.news), this.#table(), this.none];
    this.#pause(false);
    signal.addEventListener("abort", () => this.#follower?.abort());
    this.#begin();
  }

  /** Follows the log from now on, then reads what came just before: no gap between. */
  #begin() {
    this.#follower?.abort();
    this.#follower = new AbortController();
    const { signal } = this.#follower;
    this.#rows = [];
    this.#waiting = [];
    this.#known.clear();
    replace(this.body);
    replace(this.failure);
    this.none.hidden = true;
    this.#say("waiting", "Connecting");
    let hasBegun = false;
    follow(withQuery(this.app.path("events/stream"), this.filter), {
      signal,
      onMessage: (text, place) => !signal.aborted && this.#take(JSON.parse(text), place),
      onState: (state) => {
        if (signal.aborted) return;
        this.#connection(state);
        if (state !== "live" || hasBegun) return;
        hasBegun = true;
        this.#readBefore(signal);
      },
    });
  }

  #connection(state) {
    if (state === "live") this.#say("live", "Live");
    else if (state === "waiting") this.#say("silent", "Connecting again");
    else {
      this.#say("failed", "Stopped");
      replace(this.failure, problemBox(state, () => this.#begin()));
    }
  }

  #say(state, text) {
    this.connected = [state, text];
    const [shown, words] = this.#paused && state === "live" ? ["paused", "Paused"] : [state, text];
    if (this.state.textContent !== words) replace(this.state, badge(shown, words));
  }

  async #readBefore(signal) {
    const { customerId, events: types, locations } = this.filter;
    const path = customerId ? this.app.path(at`customers/${customerId}/events`) : this.app.path("events");
    const wanted = { events: types, sortBy: "receivedTime", sortReverse: true, size: locations ? 1000 : FIRST };
    try {
      const page = await get(path, wanted, signal);
      const kept = page.events.filter((event) => !locations || event.where?.locationId === locations);
      const older = kept.filter((event) => this.#isNew(event)).slice(0, FIRST);
      for (const event of older) {
        this.#rows.push(event);
        this.body.append(...this.#row(event));
      }
    } catch (error) {
      // A contact that was never seen may still arrive.
      if (!signal.aborted && error.status !== 404) replace(this.failure, problemBox(error, () => this.#begin()));
    }
    if (!signal.aborted) this.none.hidden = this.#rows.length > 0;
  }

  /** The stream and the page before it may both have an event. */
  #isNew({ event }) {
    const key = `${event.id} ${event.withdrawn === true}`;
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    return true;
  }

  #take(event) {
    if (!this.#isNew(event)) return;
    this.#waiting.push(event);
    if (this.#waiting.length > ROWS_MAX) this.#waiting.shift();
    // One change of the page for all that comes before it is drawn.
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#offer();
    });
  }

  /** Shows what waits, or says how much, where showing it would move what is read. */
  #offer() {
    const isRead = window.scrollY > 160 || this.body.querySelector('[aria-expanded="true"]');
    if (!this.#paused && !isRead) this.#showNews();
    const number = this.#waiting.length;
    this.news.hidden = number === 0;
    const all = number >= ROWS_MAX ? `More than ${ROWS_MAX - 1} new events` : plural(number, "new event");
    this.news.textContent = `${all}: show`;
  }

  #showNews() {
    const fresh = this.#waiting.splice(0).reverse();
    if (!fresh.length) return;
    this.#rows.unshift(...fresh);
    this.body.prepend(...fresh.flatMap((event) => this.#row(event, true)));
    this.#rows.length = Math.min(this.#rows.length, ROWS_MAX);
    // Each event has two rows: itself and its details.
    while (this.body.rows.length > 2 * ROWS_MAX) this.body.lastChild.remove();
    if (this.#known.size > 20 * ROWS_MAX) this.#forget();
    this.none.hidden = true;
    if (document.activeElement === this.news) this.pauseButton.focus();
    this.news.hidden = true;
  }

  #forget() {
    this.#known.clear();
    this.#rows.forEach((event) => this.#isNew(event));
  }

  #pause(paused) {
    this.#paused = paused;
    replace(this.pauseButton, icon(paused ? "play" : "pause"), paused ? "Go on" : "Pause");
    if (this.connected) this.#say(...this.connected);
    if (!paused) this.#showNews();
  }

  #row(event, isFresh = false) {
    const id = newId("event");
    const detail = h("tr.detail", { id, role: "row", hidden: true }, h("td", { role: "cell", colspan: COLUMNS.length + 1 }));
    const toggle = () => {
      if (detail.hidden) replace(detail.firstChild, events.eventDetail(this.app, event));
      detail.hidden = !detail.hidden;
      button.setAttribute("aria-expanded", String(!detail.hidden));
    };
    const button = h(
      "button.disclose",
      { type: "button", "aria-expanded": "false", "aria-controls": id, "aria-label": `JSON of ${event.event.type} ${event.event.id}`, onclick: toggle },
      icon("more"),
    );
    const cells = COLUMNS.map((column) => h("td", { role: "cell", class: column.class }, column.render?.(event) ?? column.value(event)));
    const kind = event.event.withdrawn ? "tr.withdrawn" : isFresh ? "tr.fresh" : "tr";
    return [h(kind, { role: "row" }, h("td.narrow", { role: "cell" }, button), cells), detail];
  }

  #table() {
    const headers = ["JSON", ...COLUMNS.map((column) => column.label)].map((label, at) =>
      h("th", { scope: "col", role: "columnheader", class: at ? null : "narrow" }, at ? label : h("span.hidden", {}, label)),
    );
    return h(
      "div.scroll",
      { tabindex: 0, role: "region", "aria-label": "Events" },
      h(
        "table.events",
        { role: "table" },
        h("caption.hidden", {}, "Events, newest first"),
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, headers)),
        this.body,
      ),
    );
  }

  #toolbar() {
    const stream = () => withQuery(this.app.path("events/stream"), this.filter);
    return h(
      "div.toolbar",
      {},
      h("div.toolbar-row", {}, this.pauseButton, this.state, h("div.actions", {}, copyButton(() => events.curl(stream(), "-sN"), "the command", "Copy as curl"), exportButton("events", COLUMNS, () => this.#rows))),
      this.#filters(),
    );
  }

  #filters() {
    const chosen = this.filter.events.split(",").filter(Boolean);
    const summary = h("summary");
    const name = () => {
      const number = this.filter.events.split(",").filter(Boolean).length;
      summary.textContent = number ? plural(number, "type") : "All types";
    };
    const form = h(
      "form.filters",
      {
        onsubmit: (event) => event.preventDefault(),
        onchange: () => {
          const values = new FormData(form);
          this.filter = {
            events: values.getAll("events").join(","),
            locations: values.get("locations"),
            customerId: values.get("customerId").trim(),
          };
          name();
          history.replaceState(null, "", withQuery("/console/live", this.filter));
          this.#begin();
        },
      },
      h("details.dropdown", { onkeydown: closeOnEscape }, summary, choices("Types of events", "events", events.TYPES, { chosen })),
      h(
        "label",
        {},
        h("span.hidden", {}, "Venue"),
        h(
          "select",
          { name: "locations", value: this.filter.locations },
          h("option", { value: "" }, "All venues"),
          this.places.list.map((place) => h("option", { value: place.id }, place.name)),
        ),
      ),
      h("label", {}, h("span.hidden", {}, "Contact's id"), h("input", { name: "customerId", value: this.filter.customerId, placeholder: "Contact’s id", spellcheck: "false", autocomplete: "off" })),
    );
    name();
    return form;
  }
}

function closeOnEscape(event) {
  if (event.key !== "Escape") return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary").focus();
}
