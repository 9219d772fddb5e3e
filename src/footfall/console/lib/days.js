// Spans of days on a venue's calendar.

import { isoDay } from "/console/lib/format.js";

const DAY_MS = 86_400_000;

/** Adds days to a date like 2026-11-27. */
export function addDays(date, days) {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

export const today = (zone, now = Date.now()) => isoDay(now, zone);

/** The wall clock of a time with its offset, as an instant of UTC: for showing it. */
export const wallClock = (time) => `${time.slice(0, 19)}Z`;
