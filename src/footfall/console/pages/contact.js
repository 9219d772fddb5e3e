// A contact: what is known, the visits, the devices; its export and its erasure.

import { at, get, request, sendJson } from "/console/lib/api.js";
import { download } from "/console/lib/csv.js";
import { ask, copyButton, say } from "/console/lib/dialogs.js";
import { h } from "/console/lib/dom.js";
import { ago, count, moment } from "/console/lib/format.js";
import { field } from "/console/lib/forms.js";
import { badge, facts, pageHead } from "/console/lib/page.js";
import { emptyState, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";
import { nameOf } from "/console/pages/contacts.js";
import { timeline } from "/console/pages/contact-timeline.js";

const WORD = "erase";

export function show({ app, id, signal }) {
  const path = app.path(at`customers/${id}`);
  return [
    pageHead("Contact", {
      note: h("span.id", {}, id, " ", copyButton(id, "the id")),
      back: { href: "/console/contacts", label: "Contacts" },
      actions: [
        app.can("events_read") && exportAll(path, id),
        app.can("customer_write") && h("button.danger", { type: "button", onclick: () => erase(app, path, id) }, "Erase"),
      ],
    }),
    h(
      "div.grid",
      {},
      panel({ title: "Known", half: true, height: "10rem", signal, load: () => get(path, {}, signal), render: (contact) => known(contact) }),
      panel({ title: "Here now", half: true, height: "10rem", signal, load: () => get(`${path}/stays`, {}, signal), render: ({ stays }) => staysOf(app, stays) }),
      panel({ title: "Devices", wide: true, height: "10rem", signal, load: () => get(`${path}/devices`, {}, signal), render: ({ devices }) => devicesOf(devices) }),
    ),
    app.can("events_read") && timeline(app, path, signal),
  ];
}

function known(contact) {
  const since = contact.createdAt && moment(contact.createdAt, "UTC");
  const entries = [
    ["Name", nameOf(contact)],
    ["Username", contact.username],
    ["Email", contact.email],
    ["Phone", contact.phone],
    ["Came by", contact.source],
    ["Known since", since && `${since} UTC`],
  ];
  if (!entries.some(([, value]) => value)) {
    return emptyState("Known by its events only", "No name, email or phone number was ever sent.");
  }
  return facts(entries);
}

function staysOf(app, stays) {
  if (!stays.length) return emptyState("Nowhere now", "There is no stay that is not over.");
  return h(
    "ul.plain",
    {},
    stays.map((stay) =>
      h(
        "li",
        {},
        h("a", { href: at`/console/venues/${stay.locationId}` }, stay.locationName),
        ` since ${ago(stay.arrivedAt ?? stay.lastHeardAt).replace(" ago", "")}, last heard ${ago(stay.lastHeardAt)}`,
      ),
    ),
  );
}

function devicesOf(devices) {
  if (!devices.length) return emptyState("No devices", "A device becomes a contact’s when the contact logs in with it.");
  const when = (instant) => (instant ? `${moment(instant, "UTC")} UTC` : null);
  return dataTable({
    caption: "Devices",
    columns: [
      { label: "Digest", value: (one) => one.id, render: (one) => h("span.id", {}, one.id) },
      { label: "Address", value: (one) => (one.randomised ? "randomised" : "its own") },
      { label: "Since", value: (one) => one.since, render: (one) => when(one.since) ?? "its pseudonym" },
      { label: "Until", value: (one) => one.until, render: (one) => when(one.until) ?? badge("active", "still") },
    ],
    rows: devices,
  });
}

/** Everything about a contact, as one file: what they may ask for. */
function exportAll(path, id) {
  const button = h("button", { type: "button", onclick: () => run() }, "Export all data");
  const run = async () => {
    button.disabled = true;
    try {
      const [contact, { devices }, events] = await Promise.all([get(path), get(`${path}/devices`), allEvents(path)]);
      const text = JSON.stringify({ contact, devices, events }, null, 2);
      download(`contact-${id.replaceAll(/[^\w-]+/g, "-")}.json`, text, "application/json");
      say(`Exported ${count(events.length)} events.`);
    } catch (error) {
      say(`The export failed: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  };
  return button;
}

/** Returns all events; an export without its last line broke off. */
async function allEvents(path) {
  const answer = await request(`${path}/events`, { headers: { Accept: "application/x-ndjson" } });
  const lines = (await answer.text()).split("\n").filter(Boolean);
  const last = lines.length ? JSON.parse(lines.at(-1)) : {};
  if (!last.footfall?.complete) throw new Error("it broke off. Try again.");
  return lines.map((line) => JSON.parse(line)).filter((line) => !line.footfall);
}

async function erase(app, path, id) {
  const erased = await ask("Erase this contact?", {
    text: "All its events, its devices’ observations and what is known of it are deleted for good, here and in every copy of the database that footfall still reaches. This cannot be undone.",
    danger: true,
    submit: "Erase for good",
    fields: [
      h("p", {}, h("span.id", {}, id)),
      field(`Type “${WORD}” to confirm`, "word", {
        required: true,
        pattern: WORD,
        title: `Type the word ${WORD}`,
        autocomplete: "off",
      }),
    ],
    act: () => sendJson("DELETE", path),
  });
  if (!erased) return;
  await app.navigate("/console/contacts");
  say(
    erased.bytesPending
      ? "The contact is erased. Some bytes go when a long read has ended."
      : "The contact is erased.",
  );
}
