// Events as people read them: what happened, where, when, to whom.

import { at, withQuery } from "/console/lib/api.js";
import { copyButton } from "/console/lib/dialogs.js";
import { h } from "/console/lib/dom.js";
import { duration, exactMoment, zoneName, zoneOf } from "/console/lib/format.js";

export const TYPES = [
  ["arriving", "Arriving"],
  ["visit", "Visit"],
  ["login", "Login"],
  ["signup", "Sign-up"],
  ["geo_arriving", "Geofence entered"],
  ["geo_visit", "Geofence left"],
  ["send_email", "Email sent"],
  ["open_email", "Email opened"],
  ["click_email", "Email clicked"],
  ["send_sms", "SMS sent"],
  ["click_sms", "SMS clicked"],
  ["survey", "Survey answered"],
  ["promo", "Promotion clicked"],
];
const LABELS = Object.fromEntries(TYPES);

/** What kind of thing a type is: the colour of its label repeats it. */
function familyOf(type) {
  if (["arriving", "visit", "login", "signup"].includes(type)) return "wifi";
  if (type.startsWith("geo_")) return "geo";
  return "campaign";
}

export function typeLabel({ event }) {
  const text = LABELS[event.type] ?? event.type;
  return h(`span.type.${familyOf(event.type)}`, {}, text, event.withdrawn && " withdrawn");
}

export const placeOf = ({ where }) => where?.locationName ?? where?.geofenceName ?? where?.locationId ?? "";

/** When, on the venue's clock, or by UTC if that is chosen. */
export function whenOf({ when }) {
  const zone = zoneOf(when.timezone);
  return exactMoment(when.createdAt ?? when.createdAtLocal, zone);
}

export function zoneText({ when }) {
  return zoneName(when.createdAt ?? when.createdAtLocal, zoneOf(when.timezone));
}

/** What else there is to say in a few words. */
export function summaryOf({ event }) {
  const { visit, email, sms, survey, signup, promo } = event;
  if (visit?.duration !== undefined) return `${duration(visit.duration * 60)} there`;
  if (signup) return signup.source ? `by ${signup.source}` : "";
  if (email) return email.campaignName ?? "";
  if (sms) return sms.campaignName ?? "";
  if (survey) return survey.campaignName ?? "";
  return promo?.type ?? "";
}

export const contactPath = (id) => at`/console/contacts/${id}`;

/** A command that gets an event again; the token stays a variable. */
export function curlOf(app, event) {
  const path = app.path(at`customers/${event.customerId}/events`);
  const instant = event.when.createdAt;
  const query = { events: event.event.type, dateStart: instant, dateEnd: instant };
  return curl(withQuery(path, query));
}

export function curl(path, options = "-s") {
  // Single quotes protect all but themselves.
  const url = `${location.origin}${path}`.replaceAll("'", "'\\''");
  return `curl ${options} -H "Authorization: Bearer $TOKEN" '${url}'`;
}

/** All of an event, as it is stored. */
export function eventDetail(app, event) {
  const json = JSON.stringify(event, null, 2);
  return h(
    "div.event-detail",
    {},
    h("pre.json", { tabindex: 0, "aria-label": "The event as JSON" }, json),
    h(
      "div.actions",
      {},
      copyButton(curlOf(app, event), "the command", "Copy as curl"),
      copyButton(json, "the JSON", "Copy JSON"),
      app.can("customer_read") && h("a", { href: contactPath(event.customerId) }, "Open the contact"),
    ),
  );
}

/** The columns of a table of events. */
export function eventColumns({ contact = true } = {}) {
  return [
    { label: "Time", value: (event) => event.when.createdAt, render: timeCell, class: "when" },
    { label: "Event", value: (event) => event.event.type, render: typeLabel },
    contact && {
      label: "Contact",
      value: (event) => event.customerId,
      render: (event) => h("a.id", { href: contactPath(event.customerId) }, event.customerId),
    },
    { label: "Place", value: placeOf },
    { label: "More", value: summaryOf },
  ].filter(Boolean);
}

export function timeCell(event) {
  return [whenOf(event), " ", h("span.muted.small", {}, zoneText(event))];
}
