// The icons, as strokes on a grid of 20.

import { s } from "/console/lib/dom.js";

const PATHS = {
  overview: "M3 17V9m5 8V4m5 13v-6m4 6V7",
  live: "M2 10h3l2.5-6 5 12L15 10h3",
  contacts: "M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm-7 7c.5-3.5 3.3-5 7-5s6.500 1.500 7 5",
  venues: "M10 18s6-5.200 6-9.500a6 6 0 0 0-12 0C4 12.800 10 18 10 18zm0-7.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  sources: "M10 16.500v-5m0 0a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3zM6 13a5 5 0 1 1 8 0M3.800 15.500a8.500 8.500 0 1 1 12.400 0",
  webhooks: "M3 10h11m-4-4 4 4-4 4M17 4v12",
  credentials: "M12.500 11a4 4 0 1 0-3.800-2.700L3 14v3h3v-2h2v-2l1.700-1.700a4 4 0 0 0 2.800-.3zM13.500 6.500h.01",
  menu: "M3 5h14M3 10h14M3 15h14",
  more: "m5 8 5 5 5-5",
  sun: "M10 13.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM10 2v1.500m0 13V18m8-8h-1.500M3.500 10H2m13.700-5.700-1.100 1.100M5.400 14.600l-1.100 1.100m11.400 0-1.100-1.100M5.400 5.400 4.300 4.300",
  pause: "M7 4v12m6-12v12",
  play: "M6 4l10 6-10 6z",
  copy: "M7 7h9v10H7zM4 13V3h9",
  download: "M10 3v9m-4-4 4 4 4-4M3 17h14",
  plus: "M10 4v12M4 10h12",
  back: "m12 4-6 6 6 6",
};

/** Makes an icon; the text beside it, or the label around it, says what it means. */
export function icon(name) {
  return s(
    "svg.icon",
    { viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true", focusable: "false" },
    s("path", { d: PATHS[name] }),
  );
}
