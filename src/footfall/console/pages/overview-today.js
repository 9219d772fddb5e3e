// Today on the overview: figures and hours against the same day last week, and now.

import { seriesChart } from "/console/charts/series.js";
import { addDays, today, wallClock } from "/console/lib/days.js";
import { at } from "/console/lib/api.js";
import { h } from "/console/lib/dom.js";
import { UTC, change, count, day, duration, time } from "/console/lib/format.js";
import { emptyState, loadInto, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";

const REFRESH_MS = 15_000;
const HOUR_MS = 3_600_000;
const TILES = [
  ["visits", "Visits", count],
  ["visitors", "Visitors", count],
  ["newVisitors", "New visitors", count],
  ["dwellMedian", "Median stay", duration],
];

export function todayPanels(view) {
  const tiles = h("section.tiles.wide", { "aria-label": "Today" });
  tiles.reload = loadInto(tiles, {
    height: "7rem",
    signal: view.signal,
    load: () => figures(view),
    render: (both) => TILES.map((tile) => tileOf(tile, both)),
  });
  const hours = panel({
    title: "Visits today by hour",
    half: true,
    height: "16rem",
    signal: view.signal,
    load: () => hoursOf(view),
    render: (found) => hoursChart(found),
  });
  return [tiles, hours];
}

/** The figures of today until now, and of the same day last week, all of it. */
async function figures(view) {
  const metrics = TILES.map(([name]) => name).join(",");
  const date = today(view.zone);
  const ask = (of) =>
    view.ask("timeseries", { metrics, interval: "day", from: of, to: of, timezone: view.zone });
  const then = addDays(date, -7);
  const [here, before] = await Promise.all([ask(date), ask(then)]);
  return { here: here.at(-1) ?? {}, before: before.at(-1) ?? {}, then };
}

function tileOf([name, label, format], { here, before, then }) {
  return h(
    "div.tile",
    {},
    h("p.tile-label", {}, `${label} today`),
    h("p.tile-value", {}, format(here[name])),
    h("p.tile-note", {}, `${format(before[name])} on all of ${day(then, UTC)}`),
  );
}

async function hoursOf(view) {
  const date = today(view.zone);
  const ask = (of) =>
    view.ask("timeseries", { metrics: "visits", interval: "hour", from: of, to: of, timezone: view.zone });
  const [here, before] = await Promise.all([ask(date), ask(addDays(date, -7))]);
  return { here, before, now: Date.now() };
}

/** How today stands beside last week at the last full hour: neither has more time. */
function standing({ here, before, now }) {
  const full = here.filter((row) => Date.parse(row.time) + HOUR_MS <= now).length;
  if (!full) return null;
  const sum = (rows) => rows.slice(0, full).reduce((all, row) => all + row.visits, 0);
  const hour = full === here.length ? "24:00" : time(wallClock(here[full].time), UTC);
  const difference = change(sum(here), sum(before));
  return h(
    "p.standing",
    {},
    `Until ${hour}: ${count(sum(here))} visits, `,
    difference && h("span.difference", {}, difference),
    ` against ${count(sum(before))} a week before.`,
  );
}

function hoursChart({ here, before, now }) {
  const summary = standing({ here, before, now });
  if (!here.length) return emptyState("Nothing yet today", "The first visit of the day appears here.");
  const chart = seriesChart({
    title: "Visits today by hour",
    unit: "visits that ended in the hour",
    heading: "Hour",
    points: here.map((row) => {
      const hour = time(wallClock(row.time), UTC);
      return { label: hour, short: hour };
    }),
    series: [
      {
        name: "Today",
        kind: "bar",
        style: "main",
        values: here.map((row) => (Date.parse(row.time) > now ? null : row.visits)),
      },
      {
        name: "Same day last week",
        kind: "line",
        style: "other",
        values: here.map((_, at) => before[at]?.visits ?? null),
      },
    ],
  });
  return [summary, chart];
}

/** Who is there now; it stays current. */
export function nowPanel(view) {
  const element = panel({
    title: "Here now",
    note: "visitors whose stay is not over",
    half: true,
    height: "16rem",
    signal: view.signal,
    load: () => view.ask("occupancy", { timezone: null }),
    render: (rows) => occupancy(rows),
  });
  const timer = setInterval(() => document.visibilityState === "visible" && element.reload(), REFRESH_MS);
  view.signal.addEventListener("abort", () => clearInterval(timer));
  return element;
}

function occupancy(rows) {
  const all = rows.reduce((sum, row) => sum + row.visitors, 0);
  if (!all) return emptyState("Nobody is here now", "Visitors appear as soon as an access point hears them.");
  return [
    h("p.figure", {}, count(all)),
    dataTable({
      caption: "Here now by venue",
      columns: [
        { label: "Venue", value: venueName, render: venueLink },
        { label: "Visitors", class: "number", value: (row) => row.visitors, render: (row) => count(row.visitors) },
      ],
      rows: rows.filter((row) => row.visitors).sort((a, b) => b.visitors - a.visitors),
    }),
  ];
}

/** A row's venue; what happened at no venue has none. */
export function venueLink(row) {
  if (!row.location) return "at no venue";
  return h("a", { href: at`/console/venues/${row.location}` }, venueName(row));
}

export const venueName = (row) => row.name || row.location || "at no venue";
