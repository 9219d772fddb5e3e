// Bars and lines over categories: hours, days, lengths of stay.

import { figure, ticks } from "/console/charts/figure.js";
import { s } from "/console/lib/dom.js";
import { compact, count } from "/console/lib/format.js";

const HEIGHT = 220;
const TOP = 10;
const BOTTOM = 26;
const RIGHT = 8;
const LABEL_WIDTH = 54;

/** Makes a chart of series over points.
 *
 * `points` are {label, short}: in full, and for the axis. `series` are {name, kind: "bar"
 * or "line", values, style: one of the stylesheet's classes}; a value may be null.
 */
export function seriesChart({ title, unit, heading, points, series, format = count, axis = compact, summary }) {
  const most = Math.max(0, ...series.flatMap((one) => one.values.map((value) => value ?? 0)));
  const scale = ticks(most);
  return figure({
    title,
    unit,
    summary: summary ?? `${points.length} values of ${series.map((one) => one.name).join(" and ")}.`,
    size: points.length,
    legend: series.length > 1 ? series.map((one) => [`${one.kind}-${one.style}`, one.name]) : [],
    draw: (width) => drawing({ width, points, series, scale, axis }),
    read: (index) => [
      points[index].label,
      series.map((one) => `${one.name}: ${format(one.values[index])}`),
    ],
    table: {
      caption: title,
      columns: [
        { label: heading, value: (row) => row.label },
        ...series.map((one) => ({
          label: one.name,
          class: "number",
          value: (row) => one.values[row.index],
          render: (row) => format(one.values[row.index]),
        })),
      ],
      rows: points.map((point, index) => ({ ...point, index })),
    },
  });
}

function drawing({ width, points, series, scale, axis }) {
  const left = 12 + 7 * Math.max(...scale.map((one) => axis(one).length));
  const inner = Math.max(width - left - RIGHT, 10);
  const high = HEIGHT - TOP - BOTTOM;
  const top = scale.at(-1);
  const band = inner / Math.max(points.length, 1);
  const x = (index) => left + band * (index + 0.5);
  const y = (value) => TOP + high * (1 - value / top);
  const line = s("line.cursor", { y1: TOP, y2: TOP + high, visibility: "hidden" });
  const spots = s("g.spots");
  const svg = s(
    "svg",
    { width, height: HEIGHT, "aria-hidden": "true" },
    scale.map((value) => gridLine(value, { left, right: width - RIGHT, y: y(value), axis })),
    pointLabels(points, x, band, HEIGHT - 8, [left, width - RIGHT]),
    series.map((one) => (one.kind === "bar" ? bars : path)(one, { x, y, band })),
    line,
    spots,
  );
  return {
    svg,
    nearest: (atX) => Math.min(Math.max(Math.floor((atX - left) / band), 0), points.length - 1),
    mark: (index) => mark(index, { series, x, y, line, spots }),
  };
}

function gridLine(value, { left, right, y, axis }) {
  return [
    s(value === 0 ? "line.axis" : "line.grid", { x1: left, x2: right, y1: y, y2: y }),
    s("text.tick", { x: left - 6, y: y + 4, "text-anchor": "end" }, axis(value)),
  ];
}

function pointLabels(points, x, band, y, [left, right]) {
  const every = Math.max(1, Math.ceil(LABEL_WIDTH / band));
  return points.map((point, index) => {
    if (index % every) return null;
    const at = x(index);
    const half = (point.short.length * 6.5) / 2;
    if (at + half > right + RIGHT || at - half < left - 24) return null;
    return s("text.tick", { x: at, y, "text-anchor": "middle" }, point.short);
  });
}

function bars(one, { x, y, band }) {
  const wide = Math.max(Math.min(band * 0.72, 36), 1);
  return s(
    `g.bar-${one.style}`,
    {},
    one.values.map((value, index) =>
      value
        ? s("rect", { x: x(index) - wide / 2, y: y(value), width: wide, height: y(0) - y(value), rx: Math.min(2, wide / 4) })
        : null,
    ),
  );
}

function path(one, { x, y }) {
  let isOpen = false;
  const parts = one.values.map((value, index) => {
    if (value === null || value === undefined) {
      isOpen = false;
      return "";
    }
    const part = `${isOpen ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    isOpen = true;
    return part;
  });
  return s(`path.line-${one.style}`, { d: parts.join("") || "M0 0" });
}

function mark(index, { series, x, y, line, spots }) {
  spots.replaceChildren();
  line.setAttribute("visibility", index === null ? "hidden" : "visible");
  if (index === null) return null;
  line.setAttribute("x1", x(index));
  line.setAttribute("x2", x(index));
  const values = series.map((one) => one.values[index] ?? 0);
  for (const [at, one] of series.entries()) {
    if (one.kind === "line" && one.values[index] !== null && one.values[index] !== undefined) {
      spots.append(s(`circle.spot-${one.style}`, { cx: x(index), cy: y(values[at]), r: 4 }));
    }
  }
  return { x: x(index), y: y(Math.max(...values)) };
}
