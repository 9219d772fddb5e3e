// What all pages share: who is signed in, what they may do, and the venues' names.

import { at, get } from "/console/lib/api.js";
import { showsUtc, zoneOf } from "/console/lib/format.js";

const PLACES_FRESH_MS = 60_000;

export function makeApp(session, navigate, redraw) {
  const { user, organization } = session;
  let places = null;
  let read_at = 0;

  const app = {
    session,
    user,
    cid: organization.id,
    organization,
    navigate,
    /** Shows the page again, with other settings. */
    redraw,
    /** The path of something that belongs to the organization. */
    path: (rest) => `${at`/v1/organizations/${organization.id}`}/${rest}`,
    /** Whether the user's role and scopes allow something. */
    can(scope, roles = ["Organization Manager"]) {
      const wider = `organization_${scope.split("_").pop()}`;
      return roles.includes(user.role) && (user.scopes.includes(scope) || user.scopes.includes(wider));
    },
    /** The venues that the user may see, by name; none without the scope. */
    places({ fresh = false } = {}) {
      if (!places || fresh || Date.now() > read_at + PLACES_FRESH_MS) {
        read_at = Date.now();
        places = readPlaces(app);
        places.catch(() => {
          places = null;
        });
      }
      return places;
    },
  };
  return app;
}

async function readPlaces(app) {
  if (!app.can("location_read", ["Organization Manager", "Location Manager"])) return new Places([]);
  const found = await get(app.path("locations"), { fields: "lastHeardAt" });
  return new Places(found.locations);
}

/** Venues by their ids. */
class Places {
  constructor(list) {
    this.list = [...list].sort((a, b) => a.name.localeCompare(b.name, "en"));
    this.byId = new Map(list.map((place) => [place.id, place]));
  }

  name(id) {
    return this.byId.get(id)?.name ?? id;
  }

  /** The zone of a venue, or the one that all venues share; null if they share none. */
  zone(id = null) {
    const own = this.byId.get(id)?.timezone;
    const zones = new Set(own ? [own] : this.list.map((place) => place.timezone));
    if (zones.size > 1 && !showsUtc()) return null;
    return zoneOf([...zones][0]);
  }

  /** All zones that days are shown in. */
  zones(id = null) {
    const shared = this.zone(id);
    return shared ? [shared] : [...new Set(this.list.map((place) => zoneOf(place.timezone)))];
  }
}
