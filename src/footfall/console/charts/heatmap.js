// The hours of the week, as a grid of shades.

import { figure } from "/console/charts/figure.js";
import { s } from "/console/lib/dom.js";
import { count } from "/console/lib/format.js";

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HOURS = 24;
const SHADES = 6;
const LEFT = 36;
const ROW = 26;
const BOTTOM = 22;

const clock = (hour) => `${String(hour % HOURS).padStart(2, "0")}:00`;

/** Makes the chart of 168 values, from Monday 00:00 on. */
export function weekHeatmap({ title, unit, name, values }) {
  const most = Math.max(...values, 0);
  const busiest = values.indexOf(most);
  const label = (index) =>
    `${DAYS[Math.floor(index / HOURS)]} ${clock(index % HOURS)} to ${clock((index % HOURS) + 1)}`;
  return figure({
    title,
    unit,
    summary: most ? `Most on ${label(busiest)}: ${count(most)}.` : "Nothing in this time.",
    size: values.length,
    stride: HOURS,
    start: Math.max(busiest, 0),
    legend: [
      ["heat-0", "0"],
      [`heat-${SHADES}`, count(most)],
    ],
    draw: (width) => drawing(width, values, most),
    read: (index) => [label(index), [`${name}: ${count(values[index])}`]],
    table: {
      caption: title,
      sorts: false,
      columns: [
        { label: "Day", value: (row) => row.day },
        ...Array.from({ length: HOURS }, (_, hour) => ({
          label: clock(hour),
          class: "number",
          value: (row) => row.values[hour],
          render: (row) => count(row.values[hour]),
        })),
      ],
      rows: DAYS.map((day, at) => ({ day, values: values.slice(at * HOURS, (at + 1) * HOURS) })),
    },
  });
}

/** Shade 0 is nothing at all; the others divide what is there into equal parts. */
function shade(value, most) {
  return value ? Math.max(1, Math.ceil((SHADES * value) / most)) : 0;
}

function drawing(width, values, most) {
  const cell = (width - LEFT) / HOURS;
  const height = ROW * DAYS.length + BOTTOM;
  const place = (index) => [LEFT + (index % HOURS) * cell, Math.floor(index / HOURS) * ROW];
  const ring = s("rect.ring", { width: cell, height: ROW, rx: 3, visibility: "hidden" });
  const svg = s(
    "svg",
    { width, height, "aria-hidden": "true" },
    DAYS.map((day, at) => s("text.tick", { x: 0, y: at * ROW + ROW / 2 + 4 }, day.slice(0, 3))),
    values.map((value, index) => {
      const [x, y] = place(index);
      return s(`rect.heat-${shade(value, most)}`, { x: x + 1, y: y + 1, width: Math.max(cell - 2, 1), height: ROW - 2, rx: 3 });
    }),
    [0, 6, 12, 18].map((hour) =>
      s("text.tick", { x: LEFT + hour * cell, y: height - 6 }, clock(hour)),
    ),
    ring,
  );
  return {
    svg,
    nearest: (atX, atY) => {
      const column = Math.floor((atX - LEFT) / cell);
      const row = Math.floor(atY / ROW);
      if (column < 0 || column >= HOURS || row < 0 || row >= DAYS.length) return null;
      return row * HOURS + column;
    },
    mark: (index) => {
      ring.setAttribute("visibility", index === null ? "hidden" : "visible");
      if (index === null) return null;
      const [x, y] = place(index);
      ring.setAttribute("x", x);
      ring.setAttribute("y", y);
      return { x: x + cell / 2, y };
    },
  };
}
