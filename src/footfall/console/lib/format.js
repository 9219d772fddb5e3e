// Values as people read them: numbers, durations, times.
//
// Times are those of the venue's clock. "UTC" is one click away, for everything at once.

const LANGUAGE = "en-GB";
const numbers = new Intl.NumberFormat(LANGUAGE);
const compactNumbers = new Intl.NumberFormat(LANGUAGE, {
  notation: "compact",
  maximumFractionDigits: 1,
});
const formatters = new Map();

export const UTC = "UTC";

/** Whether times are shown in UTC instead of the venue's zone. */
export function showsUtc() {
  return localStorage.getItem("footfall.utc") === "true";
}

export function showUtc(wanted) {
  localStorage.setItem("footfall.utc", String(wanted));
}

export const count = (value) => (value === null || value === undefined ? "–" : numbers.format(value));
export const compact = (value) => compactNumbers.format(value);

/** 1 visit, 2 visits. */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Seconds as 45 s, 12 min, 1 h 05 min. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = `${numbers.format(Math.floor(minutes / 60))} h`;
  const rest = minutes % 60;
  return rest ? `${hours} ${String(rest).padStart(2, "0")} min` : hours;
}

/** A zone that this browser knows: the one given, or UTC. */
export function zoneOf(name) {
  if (showsUtc() || !name) return UTC;
  try {
    formatter(name, { hour: "2-digit" });
    return name;
  } catch {
    return UTC;
  }
}

function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formatters.has(key)) {
    formatters.set(
      key,
      new Intl.DateTimeFormat(LANGUAGE, { timeZone: zone, hourCycle: "h23", ...options }),
    );
  }
  return formatters.get(key);
}

function format(instant, zone, options) {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return String(instant);
  return formatter(zone, options).format(date).replace(",", "");
}

const DATE = { weekday: "short", day: "numeric", month: "short" };
const TIME = { hour: "2-digit", minute: "2-digit" };
const SECONDS = { ...TIME, second: "2-digit" };

/** Fri 27 Nov, with the year if it is another one. */
export function day(instant, zone) {
  const year = { year: "numeric" };
  const isThisYear = format(instant, zone, year) === format(Date.now(), zone, year);
  return format(instant, zone, isThisYear ? DATE : { ...DATE, ...year });
}

export const shortDay = (instant, zone) => format(instant, zone, { day: "numeric", month: "short" });
export const time = (instant, zone) => format(instant, zone, TIME);
export const timeWithSeconds = (instant, zone) => format(instant, zone, SECONDS);
export const moment = (instant, zone) => `${day(instant, zone)} ${time(instant, zone)}`;
export const exactMoment = (instant, zone) =>
  `${day(instant, zone)} ${timeWithSeconds(instant, zone)}`;

/** The name of a zone at an instant: CET, GMT+9, UTC. */
export function zoneName(instant, zone) {
  const parts = formatter(zone, { timeZoneName: "short" }).formatToParts(new Date(instant));
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** The date of an instant on a zone's calendar, as 2026-11-27. */
export function isoDay(instant, zone) {
  const options = { year: "numeric", month: "2-digit", day: "2-digit" };
  const parts = formatter(zone, options).formatToParts(new Date(instant));
  const found = Object.fromEntries(parts.map((part) => [part.type, part.value]));
  return `${found.year}-${found.month}-${found.day}`;
}

const STEPS = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
  [Infinity, 86_400, "d"],
];

/** How long ago: just now, 5 min ago, 3 d ago. */
export function ago(instant, now = Date.now()) {
  if (!instant) return "never";
  const seconds = Math.round((now - new Date(instant).getTime()) / 1000);
  if (seconds < 10) return "just now";
  const [, size, unit] = STEPS.find(([below]) => seconds < below);
  return `${numbers.format(Math.floor(seconds / size))} ${unit} ago`;
}

/** A difference in per cent with its sign: +12 %. */
export function change(now, then) {
  if (!then) return null;
  const percent = Math.round((100 * (now - then)) / then);
  return `${percent > 0 ? "+" : percent < 0 ? "−" : "±"}${numbers.format(Math.abs(percent))} %`;
}
