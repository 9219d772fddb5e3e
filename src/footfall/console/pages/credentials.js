// Credentials: the services that programs log in with; made here, revoked here.

import { at, get, sendJson } from "/console/lib/api.js";
import { ask, confirm, copyButton, say, showSecret } from "/console/lib/dialogs.js";
import { h } from "/console/lib/dom.js";
import { moment } from "/console/lib/format.js";
import { choice, choices } from "/console/lib/forms.js";
import { icon } from "/console/lib/icons.js";
import { badge, pageHead } from "/console/lib/page.js";
import { emptyState, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";

const LOCAL = ["Organization Manager", "Location Manager"];
const ROLES = [...LOCAL, "Public app"];
const RESOURCES = ["organization", "events", "customer", "location", "hotspot", "webhooks", "sources", "services", "analytics"];

export function show({ app, signal }) {
  const writes = app.can("services_write", LOCAL);
  const list = panel({
    title: "Services",
    wide: true,
    note: "what programs log in with",
    signal,
    load: async () => [await get(app.path("services"), {}, signal), await app.places()],
    render: ([{ services }, places], reload) => render(app, services, places, reload, writes),
  });
  const add = writes && h("button.primary", { type: "button", onclick: () => make(app, list.reload) }, icon("plus"), "Make a service");
  return [pageHead("Credentials", { actions: add }), list];
}

function render(app, services, places, reload, writes) {
  if (!services.length) return emptyState("No services yet", "Make one for each program that reads or sends events, with no more scopes than it needs.");
  // Those that still work come first, the newest of them first.
  const rows = [...services].sort((a, b) => !!a.revokedAt - !!b.revokedAt || b.createdAt.localeCompare(a.createdAt));
  const when = (instant) => instant && `${moment(instant, "UTC")} UTC`;
  return dataTable({
    caption: "Services",
    columns: [
      { label: "Client key", value: (one) => one.clientKey, render: (one) => [h("span.id", {}, one.clientKey), " ", copyButton(one.clientKey, `the key ${one.clientKey}`, "")] },
      { label: "State", value: (one) => (one.revokedAt ? "revoked" : "active"), render: (one) => badge(one.revokedAt ? "revoked" : "active") },
      { label: "Role", value: (one) => one.role },
      { label: "Scopes", value: (one) => one.scopes.join(" "), class: "scopes" },
      { label: "Venues", value: (one) => one.locations.map((id) => places.name(id)).join(", ") },
      { label: "Made", class: "when", value: (one) => one.createdAt, render: (one) => when(one.createdAt) },
      writes && {
        label: "Revoke",
        class: "narrow",
        render: (one) =>
          one.revokedAt
            ? h("span.muted.small", {}, when(one.revokedAt))
            : h("button.quiet", { type: "button", "aria-label": `Revoke ${one.clientKey}`, onclick: () => revoke(app, one, reload) }, "Revoke"),
      },
    ].filter(Boolean),
    rows,
  });
}

async function make(app, reload) {
  const { list } = await app.places();
  const isLocal = app.user.role === "Location Manager";
  const roles = (isLocal ? ["Location Manager"] : ROLES).map((role) => [role, role]);
  const scopes = RESOURCES.flatMap((name) => [`${name}_read`, `${name}_write`]).filter(
    (scope) => scope !== "analytics_write" && app.can(scope, [app.user.role]),
  );
  const made = await ask("Make a service", {
    submit: "Make",
    fields: [
      choice("Role", "role", roles, { hint: "A Location Manager sees its venues alone; a Public app only sends." }),
      choices("Scopes", "scopes", scopes.map((scope) => [scope, scope]), { hint: "Nobody grants more than they hold. organization_ contains all others of its kind." }),
      list.length > 0 && choices("Venues of a Location Manager", "locations", list.map((one) => [one.id, one.name])),
    ],
    act: (form) =>
      sendJson("POST", app.path("services"), {
        role: form.get("role"),
        scopes: form.getAll("scopes"),
        locations: form.get("role") === "Location Manager" ? form.getAll("locations") : [],
      }),
  });
  if (!made) return;
  const login = JSON.stringify({ clientKey: made.clientKey, clientSecret: "SECRET" });
  await showSecret(
    "The service is made",
    "Give these to the program. The secret is shown only now.",
    [["Client key", made.clientKey], ["Secret", made.secret]],
    h("p", {}, "It logs in so:"),
    h("pre.json", { tabindex: 0, "aria-label": "Example of a login" }, `curl -s ${location.origin}/v1/sts/login/services \\\n  -H 'Content-Type: application/json' \\\n  -d '${login}'`),
  );
  reload();
}

async function revoke(app, service, reload) {
  const revoked = await confirm(
    "Revoke this service?",
    `${service.clientKey} and all its tokens end at once. This cannot be undone.`,
    "Revoke",
    () => sendJson("DELETE", app.path(at`services/${service.clientKey}`)),
  );
  if (!revoked) return;
  say("The service is revoked.");
  reload();
}
