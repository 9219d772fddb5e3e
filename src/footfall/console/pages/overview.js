// The overview: today against a week ago, who is there now, and the days before.

import { get } from "/console/lib/api.js";
import { addDays, today } from "/console/lib/days.js";
import { h, replace } from "/console/lib/dom.js";
import { UTC } from "/console/lib/format.js";
import { pageHead } from "/console/lib/page.js";
import { emptyState, loadInto } from "/console/lib/panels.js";
import * as charts from "/console/pages/overview-charts.js";
import { nowPanel, todayPanels } from "/console/pages/overview-today.js";

const SPANS = [7, 28, 90, 365];
const DAYS_MAX = 366;

export function show({ app, query, signal }) {
  const body = h("div.overview");
  loadInto(body, {
    height: "40rem",
    signal,
    load: () => app.places(),
    render: (places) => new Overview(app, places, query, signal).element,
  });
  return [pageHead("Overview"), body];
}

/** What the panels share: the venue, the days and the clock that are asked for. */
class Overview {
  constructor(app, places, query, signal) {
    Object.assign(this, { app, places, signal });
    this.venue = places.byId.has(query.get("venue")) ? query.get("venue") : "";
    this.#span(query);
    this.notice = h("div", { "aria-live": "polite" });
    this.panels = [
      ...todayPanels(this),
      nowPanel(this),
      charts.byDay(this),
      charts.byHourOfWeek(this),
      charts.byDwell(this),
      charts.byLoyalty(this),
      charts.byVenue(this),
    ];
    this.element = [this.#controls(), this.notice, h("div.grid", {}, this.panels)];
  }

  #span(query) {
    const isDate = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? "");
    const [from, to] = [query.get("from"), query.get("to")];
    this.custom = isDate(from) && isDate(to) && from <= to ? { from, to } : null;
    this.days = SPANS.includes(Number(query.get("days"))) ? Number(query.get("days")) : 28;
  }

  /** The zone of the chosen venue, or of all if they share one; else UTC, for hours. */
  get zone() {
    return this.places.zone(this.venue || null) ?? UTC;
  }

  /** Whose days and hours are shown. */
  get clock() {
    const zone = this.places.zone(this.venue || null);
    return zone ? `Days and hours: ${zone}` : "Days: each venue’s own. Today: UTC";
  }

  /** The first and the last day, both included. */
  get span() {
    if (this.custom) return this.custom;
    // Somewhere it may be tomorrow already.
    const days = this.places.zones(this.venue || null).map((zone) => today(zone));
    const to = days.sort().at(-1);
    return { from: addDays(to, 1 - this.days), to };
  }

  /** Asks the Analytics API about the chosen venue, on its clock; each venue on its own. */
  ask(what, parameters) {
    const zone = this.places.zone(this.venue || null);
    const all = { locations: this.venue, timezone: zone, ...parameters };
    return get(this.app.path(`analytics/${what}`), all, this.signal);
  }

  #changed() {
    const query = new URLSearchParams();
    if (this.venue) query.set("venue", this.venue);
    if (this.custom) Object.entries(this.custom).forEach(([name, value]) => query.set(name, value));
    else query.set("days", this.days);
    history.replaceState(null, "", `/console?${query}`);
    replace(this.notice);
    for (const each of this.panels) each.reload();
  }

  #controls() {
    const dates = h("div.dates", { hidden: !this.custom });
    const choose = ({ target }) => {
      dates.hidden = target.value !== "custom";
      if (!dates.hidden) {
        replace(dates, this.#dates(this.span));
        dates.querySelector("input").focus();
        return;
      }
      this.custom = null;
      this.days = Number(target.value);
      this.#changed();
    };
    replace(dates, this.#dates(this.span));
    this.spanChoice = h(
      "select",
      { value: this.custom ? "custom" : String(this.days), onchange: choose },
      SPANS.map((days) => h("option", { value: days }, days === 365 ? "Last year" : `Last ${days} days`)),
      h("option", { value: "custom" }, "Other days"),
    );
    this.dates = dates;
    return h(
      "div.controls",
      {},
      h("label", {}, h("span.label", {}, "Venue"), this.#venueChoice()),
      h("label", {}, h("span.label", {}, "Days"), this.spanChoice),
      dates,
      h("p.muted.small.zone", {}, this.clock),
    );
  }

  #venueChoice() {
    const change = ({ target }) => {
      this.venue = target.value;
      document.querySelector(".zone").textContent = this.clock;
      this.#changed();
    };
    return h(
      "select",
      { value: this.venue, onchange: change },
      h("option", { value: "" }, "All venues"),
      this.places.list.map((place) => h("option", { value: place.id }, place.name)),
    );
  }

  #dates({ from, to }) {
    const first = h("input", { type: "date", value: from, required: true });
    const last = h("input", { type: "date", value: to, required: true });
    const change = () => {
      last.setCustomValidity(first.value > last.value ? "The last day is before the first." : "");
      if (addDays(first.value || from, DAYS_MAX) < last.value) {
        last.setCustomValidity(`At most ${DAYS_MAX} days can be shown.`);
      }
      if (!first.reportValidity() || !last.reportValidity()) return;
      this.custom = { from: first.value, to: last.value };
      this.#changed();
    };
    first.addEventListener("change", change);
    last.addEventListener("change", change);
    return [
      h("label", {}, h("span.label", {}, "From"), first),
      h("label", {}, h("span.label", {}, "To"), last),
    ];
  }

  /** Says that the chosen days are empty, and offers those that have the last visit. */
  async nothing() {
    let last = null;
    if (this.app.can("events_read")) {
      const wanted = { events: "visit", sortBy: "utcTime", sortReverse: true, size: 1 };
      const page = await get(this.app.path("events"), wanted, this.signal);
      last = page.events[0]?.when.createdAt.slice(0, 10) ?? null;
    }
    if (this.signal.aborted) return;
    replace(this.notice, last ? this.#elsewhere(last) : noVisits());
  }

  #elsewhere(last) {
    const from = addDays(last, -27);
    const go = () => {
      this.custom = { from, to: addDays(last, 1) };
      this.spanChoice.value = "custom";
      this.dates.hidden = false;
      replace(this.dates, this.#dates(this.custom));
      this.#changed();
      this.spanChoice.focus();
    };
    return emptyState(
      "No visits in these days",
      `The newest visit of all venues ended on ${last}.`,
      h("button", { type: "button", onclick: go }, "Show the four weeks until then"),
    );
  }
}

function noVisits() {
  return emptyState(
    "No visits yet",
    "Visits appear here as soon as access points report who is there, or events are sent.",
    h("a.button", { href: "/console/sources" }, "Connect a source"),
  );
}
