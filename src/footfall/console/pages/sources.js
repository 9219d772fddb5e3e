// Sources: which equipment sends, whether it is heard, and what was not understood.

import { at, get, sendJson } from "/console/lib/api.js";
import { ask, showSecret } from "/console/lib/dialogs.js";
import { h } from "/console/lib/dom.js";
import { ago, count, plural } from "/console/lib/format.js";
import { choice, field } from "/console/lib/forms.js";
import { icon } from "/console/lib/icons.js";
import { badge, pageHead } from "/console/lib/page.js";
import { emptyState, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";

export const KINDS = [
  ["meraki", "Cisco Meraki (Scanning API)"],
  ["mist", "Juniper Mist (webhooks)"],
  ["radius", "RADIUS accounting"],
  ["freeradius", "FreeRADIUS (rlm_rest)"],
];
export const kindName = (kind) => Object.fromEntries(KINDS)[kind] ?? kind;

export function show({ app, signal }) {
  const list = panel({
    title: "All sources",
    wide: true,
    signal,
    load: () => get(app.path("sources"), {}, signal),
    render: ({ sources }) => render(app, sources),
  });
  return [pageHead("Sources", { note: "Where equipment reports who is there.", actions: app.can("sources_write") && addButton(app) }), list];
}

function render(app, sources) {
  if (!sources.length) {
    return emptyState(
      "No sources yet",
      "A source is an address at footfall that your access points report to. Add one, and enter its address and secret at the vendor.",
      app.can("sources_write") && addButton(app),
    );
  }
  return dataTable({ caption: "Sources", columns: COLUMNS, rows: sources });
}

export const sourcePath = (id) => at`/console/sources/${id}`;
export const titleOf = (source) => source.name || kindName(source.kind);

const COLUMNS = [
  { label: "Source", value: titleOf, render: (one) => h("a", { href: sourcePath(one.id) }, titleOf(one)) },
  { label: "Equipment", value: (one) => kindName(one.kind) },
  { label: "State", value: (one) => one.state, render: (one) => badge(one.state) },
  { label: "Last heard", value: (one) => one.lastHeardAt, render: (one) => ago(one.lastHeardAt) },
  {
    label: "Problems",
    class: "number",
    value: (one) => one.problemCount,
    render: (one) => (one.problemCount ? h("a", { href: sourcePath(one.id), "aria-label": plural(one.problemCount, "problem") }, count(one.problemCount)) : "0"),
  },
];

function addButton(app) {
  return h("button.primary", { type: "button", onclick: () => add(app) }, icon("plus"), "Add a source");
}

async function add(app) {
  const { list } = await app.places();
  const made = await ask("Add a source", {
    submit: "Add",
    fields: [
      choice("Equipment", "kind", KINDS),
      field("Name", "name", { maxlength: 200, hint: "What people call it. Optional." }),
      choice("Venue of access points that are not registered", "location", [["", "none: reject what they say"], ...list.map((one) => [one.id, one.name])]),
      field("Validator", "validator", { hint: "What Meraki’s dashboard shows. Only for Meraki.", spellcheck: "false" }),
      field("Senders’ networks", "addresses", { hint: "Such as 192.0.2.0/24, separated by commas. Only for RADIUS; empty means all.", spellcheck: "false" }),
    ],
    act: (form) => sendJson("POST", app.path("sources"), wanted(form)),
  });
  if (!made) return;
  await showSecret(
    "The source is added",
    "Enter this at the vendor. The secret is shown only now.",
    [["Address", addressOf(made)], ["Secret", made.secret]],
  );
  app.navigate(sourcePath(made.id));
}

function wanted(form) {
  const source = {};
  for (const [name, value] of form) if (value.trim()) source[name] = value.trim();
  if (source.addresses) source.addresses = source.addresses.split(",").map((one) => one.trim()).filter(Boolean);
  return source;
}

/** Where equipment sends to, as this browser sees the server. */
export const addressOf = (source) =>
  source.path ? `${location.origin}${source.path}` : `${location.hostname}, the server's RADIUS port (UDP)`;
