// Contacts: found by an id, a username, an email or a phone, or seen lately.

import { get } from "/console/lib/api.js";
import { h, replace } from "/console/lib/dom.js";
import * as events from "/console/lib/events.js";
import { plural } from "/console/lib/format.js";
import { pageHead } from "/console/lib/page.js";
import { emptyState, loadInto, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";

const LATELY = 200;
const SHOWN_MAX = 25;

export function show({ app, query, signal }) {
  const found = h("div.found", { "aria-live": "polite" });
  const sought = query.get("q") ?? "";
  const search = (text) => {
    history.replaceState(null, "", `/console/contacts?q=${encodeURIComponent(text)}`);
    loadInto(found, {
      signal,
      height: "8rem",
      load: () => get(app.path("customers"), { q: text }, signal),
      render: ({ customers }) => results(customers, text),
    });
  };
  if (sought) search(sought);
  return [
    pageHead("Contacts"),
    searchForm(sought, search, () => {
      history.replaceState(null, "", "/console/contacts");
      replace(found);
    }),
    found,
    app.can("events_read") && lately(app, signal),
  ];
}

function searchForm(sought, search, clear) {
  const input = h("input", {
    type: "search",
    id: "contact-search",
    name: "q",
    value: sought,
    maxlength: 254,
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": "contact-search-hint",
  });
  return h(
    "form.search",
    {
      role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        if (input.value.trim()) search(input.value.trim());
        else clear();
      },
    },
    h("label", { for: "contact-search" }, "Find a contact"),
    h("div.search-row", {}, input, h("button.primary", { type: "submit" }, "Find")),
    h("p.hint", { id: "contact-search-hint" }, "A whole id, username, email or phone number. footfall keeps them as digests, so a part finds nothing."),
  );
}

function results(customers, text) {
  if (!customers.length) {
    return emptyState(`No contact “${text}”`, "Check the spelling; phone numbers begin with + and the country’s code.");
  }
  return dataTable({
    caption: "Contacts found",
    columns: [
      { label: "Contact", value: (one) => one.id, render: (one) => h("a.id", { href: events.contactPath(one.id) }, one.id) },
      { label: "Name", value: nameOf },
      { label: "Email", value: (one) => one.email },
      { label: "Phone", value: (one) => one.phone },
      { label: "Devices", class: "number", value: (one) => one.devices.length },
    ],
    rows: customers,
  });
}

export const nameOf = (one) =>
  [one.firstName, one.lastName].filter(Boolean).join(" ") || one.username || null;

/** Who the newest events are about. */
function lately(app, signal) {
  return panel({
    title: "Seen lately",
    note: "the contacts of the newest events",
    signal,
    load: () => get(app.path("events"), { sortBy: "receivedTime", sortReverse: true, size: LATELY }, signal),
    render: (page) => {
      const newest = new Map();
      for (const event of page.events) {
        const known = newest.get(event.customerId);
        if (known) known.events += 1;
        else newest.set(event.customerId, { event, events: 1 });
      }
      const rows = [...newest.values()].slice(0, SHOWN_MAX);
      if (!rows.length) return emptyState("Nobody yet", "Contacts appear with their first event.");
      return dataTable({ caption: "Contacts seen lately", columns: LATELY_COLUMNS, rows });
    },
  });
}

const LATELY_COLUMNS = [
  {
    label: "Contact",
    value: (row) => row.event.customerId,
    render: (row) => h("a.id", { href: events.contactPath(row.event.customerId) }, row.event.customerId),
  },
  { label: "Newest event", value: (row) => row.event.event.type, render: (row) => events.typeLabel(row.event) },
  { label: "When", class: "when", value: (row) => row.event.when.createdAt, render: (row) => events.timeCell(row.event) },
  { label: "Place", value: (row) => events.placeOf(row.event) },
  { label: "Of the last 200", class: "number", value: (row) => row.events, render: (row) => plural(row.events, "event") },
];
