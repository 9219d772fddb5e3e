// Webhooks: where events are sent to, and how each endpoint stands.

import { at, get, sendJson } from "/console/lib/api.js";
import { ask, showSecret } from "/console/lib/dialogs.js";
import { h } from "/console/lib/dom.js";
import { TYPES } from "/console/lib/events.js";
import { ago, count, plural } from "/console/lib/format.js";
import { choices, field } from "/console/lib/forms.js";
import { icon } from "/console/lib/icons.js";
import { badge, pageHead } from "/console/lib/page.js";
import { emptyState, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";

export function show({ app, signal }) {
  const list = panel({
    title: "All webhooks",
    wide: true,
    signal,
    load: () => get(app.path("webhooks"), {}, signal),
    render: ({ webhooks }) => render(app, webhooks),
  });
  return [pageHead("Webhooks", { note: "Where events are sent to as they arrive.", actions: app.can("webhooks_write") && addButton(app) }), list];
}

function render(app, webhooks) {
  if (!webhooks.length) {
    return emptyState(
      "No webhooks yet",
      "A webhook sends each event to an address of yours, signed, and again until you have it.",
      app.can("webhooks_write") && addButton(app),
    );
  }
  return dataTable({ caption: "Webhooks", columns: COLUMNS, rows: webhooks });
}

export function stateOf(webhook) {
  if (!webhook.enabled) return badge("disabled", `disabled: ${webhook.disabledBecause ?? "on request"}`);
  if (webhook.failingSince) return badge("failed", `failing for ${ago(webhook.failingSince).replace(" ago", "")}`);
  return badge("enabled");
}

export const scopeOf = (webhook, places) =>
  [
    webhook.events.length ? webhook.events.join(", ") : "all events",
    webhook.locations.length ? `at ${webhook.locations.map((id) => places?.name(id) ?? id).join(", ")}` : null,
  ].filter(Boolean).join(" ");

const COLUMNS = [
  { label: "Address", value: (one) => one.url, render: (one) => h("a.url", { href: at`/console/webhooks/${one.id}` }, one.url) },
  { label: "State", value: (one) => (one.enabled ? (one.failingSince ?? "enabled") : "disabled"), render: stateOf },
  { label: "Sends", value: (one) => scopeOf(one) },
  { label: "Waiting", class: "number", value: (one) => one.pending, render: (one) => count(one.pending) },
  { label: "Behind", class: "number", value: (one) => one.behind, render: (one) => plural(one.behind, "event") },
];

function addButton(app) {
  return h("button.primary", { type: "button", onclick: () => add(app) }, icon("plus"), "Add a webhook");
}

async function add(app) {
  const { list } = await app.places();
  const made = await ask("Add a webhook", {
    submit: "Add",
    fields: [
      field("Address", "url", { type: "url", required: true, placeholder: "https://", hint: "https; not an address within a private network.", spellcheck: "false" }),
      choices("Events", "events", TYPES, { hint: "None chosen: all." }),
      list.length > 0 && choices("Venues", "locations", list.map((one) => [one.id, one.name]), { hint: "None chosen: all." }),
      field("Events in a message, at most", "batchSize", { type: "number", min: 1, max: 100, value: 1, required: true }),
    ],
    act: (form) =>
      sendJson("POST", app.path("webhooks"), {
        url: form.get("url"),
        events: form.getAll("events"),
        locations: form.getAll("locations"),
        batchSize: Number(form.get("batchSize")),
      }),
  });
  if (!made) return;
  await showSecret("The webhook is added", "Verify each message with this secret. It is shown only now.", [["Secret", made.secret]]);
  app.navigate(at`/console/webhooks/${made.id}`);
}
