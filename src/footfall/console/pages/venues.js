// Venues: list and map, when each last heard somebody, and the rules for all of them.

import { placeMap } from "/console/charts/map.js";
import { at, get, sendJson } from "/console/lib/api.js";
import { ask, say } from "/console/lib/dialogs.js";
import { h } from "/console/lib/dom.js";
import { ago, count, plural } from "/console/lib/format.js";
import { field } from "/console/lib/forms.js";
import { icon } from "/console/lib/icons.js";
import { pageHead } from "/console/lib/page.js";
import { emptyState, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";
import { rulesPanel } from "/console/pages/presence-rules.js";

const LOCAL = ["Organization Manager", "Location Manager"];

export function show({ app, signal }) {
  const add = app.can("organization_write") && addButton(app);
  const list = panel({
    title: "Map and list",
    wide: true,
    height: "24rem",
    signal,
    load: () => read(app, signal),
    render: (found) => render(found, app),
  });
  return [
    pageHead("Venues", { actions: add }),
    h("div.grid", {}, list, app.can("organization_read") && rulesPanel(app, app.path("presence"), { title: "Rules of presence for all venues", wide: true, signal, scope: "organization_write" })),
  ];
}

async function read(app, signal) {
  const [places, hotspots, occupancy] = await Promise.all([
    app.places({ fresh: true }),
    app.can("hotspot_read", LOCAL)
      ? get(at`/v3/hotspots/organizations/${app.cid}`, { fields: "lastHeardAt" }, signal)
      : { hotspots: [] },
    readOccupancy(app, signal),
  ]);
  const visitors = occupancy && new Map(occupancy.map((row) => [row.location, row.visitors]));
  const counts = new Map();
  for (const { venueId } of hotspots.hotspots) counts.set(venueId, (counts.get(venueId) ?? 0) + 1);
  return places.list.map((place) => ({
    ...place,
    visitors: visitors && (visitors.get(place.id) ?? 0),
    hotspots: counts.get(place.id) ?? 0,
  }));
}

/** Who is where now; null if that cannot be had: the venues are there without it. */
async function readOccupancy(app, signal) {
  if (!app.can("analytics_read", LOCAL)) return null;
  try {
    return await get(app.path("analytics/occupancy"), {}, signal);
  } catch (error) {
    if (!signal.aborted) say(`Who is here now is not known: ${error.message}`);
    return null;
  }
}

function render(venues, app) {
  if (!venues.length) {
    return emptyState(
      "No venues yet",
      "A venue is where access points stand: its name, its time zone, its place on the map. Add one here, or import many with footfall location import.",
      app.can("organization_write") && addButton(app),
    );
  }
  const placed = venues.filter((one) => Number.isFinite(one.lat) && Number.isFinite(one.lng));
  const most = Math.max(1, ...placed.map((one) => one.visitors));
  const map = placeMap(
    placed.map((one) => ({
      name: one.name,
      lat: one.lat,
      lng: one.lng,
      href: at`/console/venues/${one.id}`,
      text: one.visitors === null ? "not known who is there" : `${plural(one.visitors, "visitor")} now`,
      size: Math.sqrt((one.visitors ?? 0) / most),
    })),
  );
  const missing = venues.length - placed.length;
  return [
    placed.length > 0 && map,
    missing > 0 && h("p.muted.small", {}, `${plural(missing, "venue")} without coordinates ${missing === 1 ? "is" : "are"} not on the map.`),
    dataTable({ caption: "Venues", columns: COLUMNS, rows: venues }),
  ];
}

const COLUMNS = [
  { label: "Venue", value: (one) => one.name, render: (one) => h("a", { href: at`/console/venues/${one.id}` }, one.name) },
  { label: "City", value: (one) => one.address?.city },
  { label: "Time zone", value: (one) => one.timezone },
  { label: "Hotspots", class: "number", value: (one) => one.hotspots, render: (one) => count(one.hotspots) },
  { label: "Here now", class: "number", value: (one) => one.visitors, render: (one) => count(one.visitors) },
  { label: "Last heard", value: (one) => one.lastHeardAt, render: (one) => ago(one.lastHeardAt) },
];

function addButton(app) {
  return h("button.primary", { type: "button", onclick: () => add(app) }, icon("plus"), "Add a venue");
}

async function add(app) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const made = await ask("Add a venue", {
    submit: "Add",
    fields: [
      field("Name", "name", { required: true, maxlength: 200 }),
      field("Time zone", "timezone", { required: true, value: here, hint: "An IANA name, such as Europe/Rome. Its days and hours are the venue’s." }),
      field("Latitude", "lat", { inputmode: "decimal", hint: "In degrees, such as 41.8893. Optional." }),
      field("Longitude", "lng", { inputmode: "decimal" }),
      field("External id", "externalId", { maxlength: 200, hint: "The vendor’s own id of the site or network. Optional." }),
    ],
    act: (form) => sendJson("POST", app.path("locations"), placeOf(form)),
  });
  if (!made) return;
  say(`${made.name} is added.`);
  await app.places({ fresh: true });
  app.navigate(at`/console/venues/${made.id}`);
}

/** Returns what was filled in; what is no number goes as it is, so the API says so. */
function placeOf(form) {
  const place = {};
  for (const [name, value] of form) {
    const text = value.trim();
    const isNumber = ["lat", "lng"].includes(name) && text !== "" && Number.isFinite(Number(text));
    if (text) place[name] = isNumber ? Number(text) : text;
  }
  return place;
}
