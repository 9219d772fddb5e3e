// A contact's events, gathered by visit: what happened during it stands with it.

import { get } from "/console/lib/api.js";
import { h, replace } from "/console/lib/dom.js";
import * as events from "/console/lib/events.js";
import { day, duration, plural, timeWithSeconds, zoneName, zoneOf } from "/console/lib/format.js";
import { emptyState, panel, problemBox } from "/console/lib/panels.js";
import { exportButton } from "/console/lib/table.js";

const PAGE = 100;
const COLUMNS = events.eventColumns();

export function timeline(app, path, signal) {
  const all = [];
  const query = { sortBy: "utcTime", sortReverse: true, size: PAGE, enableScroll: true };
  return panel({
    title: "Timeline",
    note: "newest first, on each venue’s clock",
    actions: exportButton("timeline", COLUMNS, () => all),
    signal,
    load: () => get(`${path}/events`, query, signal),
    render: (page) => {
      all.length = 0;
      const list = h("ol.timeline");
      const more = h("div.more");
      const add = (next) => {
        all.push(...next.events);
        replace(list, gather(all).map((group) => entry(app, group)));
        replace(more, next.hasMore && moreButton(next.scrollId));
      };
      const moreButton = (scrollId) =>
        h("button", { type: "button", onclick: ({ target }) => read(target, scrollId) }, "Show older events");
      const read = async (button, scrollId) => {
        button.disabled = true;
        try {
          add(await get(`${path}/events`, { scrollId }, signal));
        } catch (error) {
          if (!signal.aborted) replace(more, problemBox(error, () => read(button, scrollId)));
        }
      };
      add(page);
      return all.length ? [list, more] : emptyState("No events", "This contact has none.");
    },
  });
}

/** Puts events that lie within a visit to the same venue under it; newest first. */
export function gather(newestFirst) {
  const groups = [];
  let visit = null;
  for (const event of newestFirst) {
    const at = Date.parse(event.when.createdAt);
    if (event.event.type === "visit") {
      visit = {
        event,
        from: Date.parse(event.event.visit?.startAt ?? event.when.createdAt),
        place: event.where?.locationId,
        during: [],
      };
      groups.push(visit);
    } else if (visit && at >= visit.from && event.where?.locationId === visit.place) {
      visit.during.push(event);
    } else {
      groups.push({ event, during: [] });
    }
  }
  return groups;
}

function entry(app, { event, during }) {
  const { when } = event;
  const zone = zoneOf(when.timezone);
  const isVisit = event.event.type === "visit";
  const visit = event.event.visit;
  const times = isVisit && visit?.startAt
    ? `${timeWithSeconds(visit.startAt, zone)} – ${timeWithSeconds(when.createdAt, zone)}`
    : timeWithSeconds(when.createdAt, zone);
  return h(
    isVisit ? "li.visit" : "li",
    {},
    h(
      "div.entry",
      {},
      h("p.entry-when", {}, h("span", {}, day(when.createdAt, zone)), h("span.muted", {}, `${times} ${zoneName(when.createdAt, zone)}`)),
      h(
        "div.entry-what",
        {},
        h("p", {}, events.typeLabel(event), " ", h("strong", {}, events.placeOf(event)), isVisit && visit?.duration !== undefined ? `, ${duration(visit.duration * 60)}` : ` ${events.summaryOf(event)}`),
        during.length > 0 && h("ul.during", {}, during.map((one) => h("li", {}, h("span.muted", {}, timeWithSeconds(one.when.createdAt, zone)), events.typeLabel(one), events.summaryOf(one)))),
        detailsOf(app, [event, ...during]),
      ),
    ),
  );
}

function detailsOf(app, group) {
  const body = h("div");
  const fill = ({ target }) => {
    if (target.open && !body.hasChildNodes()) replace(body, group.map((one) => events.eventDetail(app, one)));
  };
  const text = group.length > 1 ? `JSON of ${plural(group.length, "event")}` : "JSON";
  return h("details.behind", { ontoggle: fill }, h("summary", {}, text), body);
}
