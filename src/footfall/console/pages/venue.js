// A venue: what it is, its hotspots and when they last heard somebody, its rules.

import { at, get, sendJson } from "/console/lib/api.js";
import { ask, confirm, say } from "/console/lib/dialogs.js";
import { h } from "/console/lib/dom.js";
import { ago, moment } from "/console/lib/format.js";
import { field } from "/console/lib/forms.js";
import { icon } from "/console/lib/icons.js";
import { facts, pageHead } from "/console/lib/page.js";
import { emptyState, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";
import { rulesPanel } from "/console/pages/presence-rules.js";

const LOCAL = ["Organization Manager", "Location Manager"];

export function show({ app, id, signal }) {
  const path = at`/v1/locations/${id}`;
  const heading = pageHead("Venue", {
    note: h("span.id", {}, id),
    back: { href: "/console/venues", label: "Venues" },
    actions: [
      app.can("analytics_read", LOCAL) && h("a.button", { href: `/console?days=28&venue=${encodeURIComponent(id)}` }, "Its figures"),
      app.can("events_read") && h("a.button", { href: `/console/live?locations=${encodeURIComponent(id)}` }, "Its events"),
    ],
  });
  const about = panel({
    title: "About",
    half: true,
    height: "12rem",
    signal,
    load: () => get(path, {}, signal),
    render: (venue) => {
      heading.querySelector("h1").textContent = venue.name;
      document.title = `${venue.name} · footfall`;
      return aboutOf(venue);
    },
  });
  return [
    heading,
    h(
      "div.grid",
      {},
      about,
      rulesPanel(app, `${path}/presence`, { title: "Rules of presence here", half: true, signal, scope: "location_write", roles: LOCAL, venue: true }),
      app.can("hotspot_read", LOCAL) && hotspotsPanel(app, id, signal),
    ),
  ];
}

function aboutOf(venue) {
  const { address, city, zip, country } = venue.address ?? {};
  return facts([
    ["Time zone", venue.timezone],
    ["Clock there", moment(Date.now(), venue.timezone)],
    ["Address", [address, [zip, city].filter(Boolean).join(" "), country].filter(Boolean).join(", ")],
    ["Coordinates", venue.lat !== null && venue.lat !== undefined ? `${venue.lat}, ${venue.lng}` : "not set"],
    ["External id", venue.externalId],
    ["Tags", venue.tags?.join(", ")],
  ]);
}

function hotspotsPanel(app, id, signal) {
  const all = at`/v3/hotspots/organizations/${app.cid}`;
  const writes = app.can("hotspot_write", LOCAL);
  const element = panel({
    title: "Hotspots",
    wide: true,
    signal,
    actions: writes && h("button", { type: "button", onclick: () => add(all, id, element.reload) }, icon("plus"), "Add a hotspot"),
    load: () => get(all, { fields: "lastHeardAt" }, signal),
    render: ({ hotspots }, reload) => {
      const here = hotspots.filter((one) => one.venueId === id);
      if (!here.length) {
        return emptyState("No hotspots yet", "Register each access point by its address, so that what it reports is given to this venue.");
      }
      return dataTable({ caption: "Hotspots", columns: columns(writes, reload), rows: here });
    },
  });
  return element;
}

const columns = (writes, reload) =>
  [
    { label: "Hotspot", value: (one) => one.name },
    { label: "MAC address", value: (one) => one.macAddress, render: (one) => one.macAddress && h("span.id", {}, one.macAddress) },
    { label: "NAS-Identifier", value: (one) => one.nasIdentifier },
    { label: "Vendor", value: (one) => one.vendor },
    { label: "Last heard", value: (one) => one.lastHeardAt, render: (one) => ago(one.lastHeardAt) },
    writes && {
      label: "Remove",
      class: "narrow",
      render: (one) => h("button.quiet", { type: "button", "aria-label": `Remove ${one.name}`, onclick: () => remove(one, reload) }, "Remove"),
    },
  ].filter(Boolean);

async function add(path, venueId, reload) {
  const made = await ask("Add a hotspot", {
    submit: "Add",
    fields: [
      field("Name", "name", { required: true, maxlength: 200 }),
      field("MAC address", "macAddress", { hint: "Of the access point, such as 00:18:0a:aa:bb:cc.", spellcheck: "false" }),
      field("NAS-Identifier", "nasIdentifier", { hint: "What it calls itself in RADIUS, if you use that.", spellcheck: "false" }),
      field("Vendor", "vendor"),
    ],
    act: (form) => {
      const filled = [...form].filter(([, value]) => value.trim()).map(([name, value]) => [name, value.trim()]);
      return sendJson("POST", path, { venueId, ...Object.fromEntries(filled) });
    },
  });
  if (!made) return;
  say("The hotspot is added.");
  reload();
}

async function remove(hotspot, reload) {
  const removed = await confirm(
    `Remove ${hotspot.name}?`,
    "What it reports from then on is given to no venue. Stored events stay as they are.",
    "Remove",
    () => sendJson("DELETE", at`/v3/hotspots/${hotspot.id}`),
  );
  if (removed) reload();
}
