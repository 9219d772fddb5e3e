// Venues by their coordinates: Mercator's projection, meridians and parallels.

import { h, s } from "/console/lib/dom.js";

const HEIGHT_MIN = 220;
const HEIGHT_MAX = 340;
const EDGE = 36;
const LATITUDE_MAX = 84;
const SPAN_MIN = 0.02;
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 90];

const radians = (degrees) => (degrees * Math.PI) / 180;
const northing = (latitude) => {
  const kept = Math.min(Math.max(latitude, -LATITUDE_MAX), LATITUDE_MAX);
  return (Math.log(Math.tan(Math.PI / 4 + radians(kept) / 2)) * 180) / Math.PI;
};
const latitudeOf = (north) => ((2 * Math.atan(Math.exp(radians(north))) - Math.PI / 2) * 180) / Math.PI;

/** Makes a map of places: {name, lat, lng, href, text, size from 0 to 1}. */
export function placeMap(places) {
  const holder = h("div.map");
  let width = 0;
  new ResizeObserver(([entry]) => {
    const found = Math.floor(entry.contentRect.width);
    if (found && found !== width) holder.replaceChildren(drawing((width = found), places));
  }).observe(holder);
  return holder;
}

/** Fits all places into the frame, with the same scale both ways. */
function projection(width, height, places) {
  const easts = places.map((one) => one.lng);
  const norths = places.map((one) => northing(one.lat));
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const span = (values) => Math.max(Math.max(...values) - Math.min(...values), SPAN_MIN);
  const scale = Math.min((width - 2 * EDGE) / span(easts), (height - 2 * EDGE) / span(norths));
  const [east, north] = [middle(easts), middle(norths)];
  return {
    scale,
    x: (lng) => width / 2 + (lng - east) * scale,
    y: (lat) => height / 2 - (northing(lat) - north) * scale,
    lng: (x) => east + (x - width / 2) / scale,
    lat: (y) => latitudeOf(north - (y - height / 2) / scale),
  };
}

function drawing(width, places) {
  const height = Math.min(Math.max(width * 0.5, HEIGHT_MIN), HEIGHT_MAX);
  const at = projection(width, height, places);
  const taken = places.map((place) => boxAround(at.x(place.lng), at.y(place.lat), radiusOf(place)));
  return s(
    "svg",
    { width, height, role: "group", "aria-label": "Map of the venues" },
    graticule(width, height, at),
    places.map((place) => marker(place, at, width, taken)),
  );
}

function graticule(width, height, at) {
  const step = STEPS.find((one) => one * at.scale >= 90) ?? STEPS.at(-1);
  const lines = [];
  const places = step < 1 ? 2 : 0;
  const named = (value, positive, negative) =>
    `${Math.abs(value).toFixed(places)}°${value > 0 ? positive : value < 0 ? negative : ""}`;
  const first = (value) => Math.ceil(value / step) * step;
  for (let lng = first(at.lng(0)); lng <= at.lng(width); lng += step) {
    const wrapped = ((((lng + 180) % 360) + 360) % 360) - 180;
    lines.push(s("line.grid", { x1: at.x(lng), x2: at.x(lng), y1: 0, y2: height }));
    lines.push(s("text.tick", { x: at.x(lng) + 4, y: height - 6 }, named(wrapped, "E", "W")));
  }
  for (let lat = first(Math.max(at.lat(height), -80)); lat <= Math.min(at.lat(0), 80); lat += step) {
    lines.push(s("line.grid", { x1: 0, x2: width, y1: at.y(lat), y2: at.y(lat) }));
    lines.push(s("text.tick", { x: 4, y: at.y(lat) - 4 }, named(lat, "N", "S")));
  }
  return s("g", { "aria-hidden": "true" }, lines);
}

const radiusOf = (place) => 5 + 9 * place.size;
const boxAround = (x, y, radius) => ({ left: x - radius, right: x + radius, top: y - radius, bottom: y + radius });

/** A marker with its name, where nothing else is. */
function marker(place, at, width, taken) {
  const [x, y] = [at.x(place.lng), at.y(place.lat)];
  const radius = radiusOf(place);
  const long = place.name.length * 7 + 6;
  const left = x + radius + 6 + long > width ? x - radius - 6 - long : x + radius + 6;
  const box = { left, right: left + long, top: y - 9, bottom: y + 9 };
  const isFree = !taken.some(
    (one) => one.left < box.right && box.left < one.right && one.top < box.bottom && box.top < one.bottom,
  );
  if (isFree) taken.push(box);
  return s(
    "a.marker",
    { href: place.href, "aria-label": `${place.name}: ${place.text}` },
    s("title", {}, `${place.name}: ${place.text}`),
    s("circle", { cx: x, cy: y, r: radius }),
    isFree && s("text", { x: left, y: y + 4 }, place.name),
  );
}
