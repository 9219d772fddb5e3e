// Spans of days on a venue's calendar.

import { isoDay, zoneOf } from "/console/lib/format.js";

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;

/** Adds days to a date like 2026-11-27. */
export function addDays(date, days) {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

export const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);

export const today = (zone, now = Date.now()) => isoDay(now, zone);

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds. */
function offset(instant, zone) {
  const shown = new Intl.DateTimeFormat("en-GB", {
    timeZone: zoneOf(zone),
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(new Date(instant));
  const part = (type) => Number(shown.find((one) => one.type === type).value);
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return wall - Math.floor(instant / 1000) * 1000;
}

/** The instant a week before at which the zone's clock shows the same. */
export function aWeekBefore(instant, zone) {
  const then = instant - WEEK_DAYS * DAY_MS;
  return then + offset(instant, zone) - offset(then, zone);
}

/** The wall clock of a time with its offset, as an instant of UTC: for showing it. */
export const wallClock = (time) => `${time.slice(0, 19)}Z`;
