// The charts of the overview: days, hours of the week, stays, loyalty, venues.

import { weekHeatmap } from "/console/charts/heatmap.js";
import { seriesChart } from "/console/charts/series.js";
import { wallClock } from "/console/lib/days.js";
import { h, s } from "/console/lib/dom.js";
import { UTC, count, day, duration, shortDay } from "/console/lib/format.js";
import { emptyState, panel } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";
import { venueLink, venueName } from "/console/pages/overview-today.js";

const METRICS = [
  ["visits", "Visits", "visits"],
  ["visitors", "Visitors", "distinct visitors"],
  ["newVisitors", "New visitors", "visitors on their first visit"],
  ["returningVisitors", "Returning visitors", "visitors who had come before"],
  ["dwellMedian", "Median stay", "minutes"],
  ["arrivals", "Arrivals", "arrivals"],
  ["logins", "WiFi logins", "logins"],
  ["signups", "Sign-ups", "new contacts"],
];
const WEEKLY_FROM_DAYS = 120;
const LOYAL_FROM = 10;

/** A metric by day, or by week where the days would be too many to tell apart. */
export function byDay(view) {
  const choice = h(
    "select",
    { "aria-label": "Metric", onchange: () => element.reload() },
    METRICS.map(([name, label]) => h("option", { value: name }, label)),
  );
  const element = panel({
    title: "By day",
    wide: true,
    height: "19rem",
    signal: view.signal,
    actions: choice,
    load: async () => {
      const { from, to } = view.span;
      const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
      const interval = days > WEEKLY_FROM_DAYS ? "week" : "day";
      const metric = METRICS.find(([name]) => name === choice.value);
      const rows = await view.ask("timeseries", { metrics: metric[0], interval, from, to });
      if (metric[0] === "visits" && rows.every((row) => !row.visits)) view.nothing().catch(() => {});
      return { rows, metric, interval };
    },
    render: daysChart,
  });
  return element;
}

function daysChart({ rows, metric: [name, label, unit], interval }) {
  const isDwell = name === "dwellMedian";
  const values = rows.map((row) => row[name]);
  const points = rows.map((row) => {
    const at = wallClock(row.time);
    const full = day(at, UTC);
    return { label: interval === "week" ? `Week from ${full}` : full, short: shortDay(at, UTC) };
  });
  return seriesChart({
    title: `${label} by ${interval}`,
    unit: `${unit} a ${interval}`,
    heading: interval === "week" ? "Week" : "Day",
    points,
    series: [{ name: label, kind: "bar", style: "main", values: isDwell ? values.map((one) => one && one / 60) : values }],
    format: isDwell ? (minutes) => duration(minutes && minutes * 60) : count,
  });
}

function breakdown(view, title, property, note, render, more = {}) {
  return panel({
    title,
    note,
    height: "16rem",
    signal: view.signal,
    load: () => {
      const metric = property === "visitsPerVisitor" ? "visitors" : "visits";
      return view.ask("breakdown", { metric, property, ...view.span });
    },
    render: (rows) => (rows.some((row) => row.visits || row.visitors) ? render(rows) : nothing()),
    ...more,
  });
}

const nothing = () => emptyState("Nothing in these days", "Choose other days, or another venue.");

export const byHourOfWeek = (view) =>
  breakdown(view, "Hours of the week", "hourOfWeek", "all visits of these days", (rows) => {
    const values = Array(7 * 24).fill(0);
    for (const row of rows) values[(row.weekday - 1) * 24 + row.hour] = row.visits;
    return weekHeatmap({ title: "Visits by hour of the week", unit: "visits", name: "Visits", values });
  });

export const byDwell = (view) =>
  breakdown(view, "Length of stay", "dwell", "from first to last heard", (rows) =>
    seriesChart({
      title: "Visits by length of stay",
      unit: "visits",
      heading: "Length",
      points: rows.map((row) => ({ label: lengthOf(row), short: shortLength(row) })),
      series: [{ name: "Visits", kind: "bar", style: "main", values: rows.map((row) => row.visits) }],
    }),
  );

const lengthOf = ({ from, to }) =>
  to === null ? `${duration(from)} or longer` : `${duration(from)} to ${duration(to)}`;
const shortLength = ({ from, to }) => (to === null ? `${duration(from)}+` : duration(from));

export const byLoyalty = (view) =>
  breakdown(view, "Visits per visitor", "visitsPerVisitor", "how often the same people came", (rows) => {
    const values = Array(LOYAL_FROM).fill(0);
    for (const row of rows) values[Math.min(row.visits, LOYAL_FROM) - 1] += row.visitors;
    const name = (at) => (at + 1 === LOYAL_FROM ? `${LOYAL_FROM} or more visits` : at ? `${at + 1} visits` : "1 visit");
    return seriesChart({
      title: "Visitors by number of visits",
      unit: "visitors",
      heading: "Visits",
      points: values.map((_, at) => ({
        label: name(at),
        short: at + 1 === LOYAL_FROM ? `${LOYAL_FROM}+` : String(at + 1),
      })),
      series: [{ name: "Visitors", kind: "bar", style: "main", values }],
    });
  });

export const byVenue = (view) =>
  breakdown(view, "Venues", "location", "visits of these days, most first", (rows) => {
    const most = Math.max(...rows.map((row) => row.visits));
    const all = rows.reduce((sum, row) => sum + row.visits, 0);
    return dataTable({
      caption: "Visits by venue",
      columns: [
        { label: "Venue", value: venueName, render: venueLink },
        { label: "Visits", class: "number", value: (row) => row.visits, render: (row) => count(row.visits) },
        {
          label: "Share",
          class: "share",
          value: (row) => Math.round((1000 * row.visits) / all) / 10,
          render: (row) => share(row.visits / most, row.visits / all),
        },
      ],
      rows,
    });
  });

function share(length, part) {
  const bar = s("svg.share-bar", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  bar.append(s("rect", { width: Math.max(100 * length, 1), height: 8, rx: 1 }));
  return [h("span", {}, `${Math.round(100 * part)} %`), bar];
}
