// What each vendor posts, with an access point of the organization.

import { at, get } from "/console/lib/api.js";

const GUEST = "3c:22:fb:12:34:56";

const SAMPLES = {
  meraki: (ap, now) => ({
    version: "3.0",
    secret: "is not checked here",
    type: "WiFi",
    data: {
      networkId: ap.network,
      observations: [
        {
          clientMac: GUEST,
          latestRecord: { nearestApMac: ap.mac, nearestApRssi: -61, time: now.toISOString() },
          locations: [],
        },
      ],
    },
  }),
  mist: (ap, now) => ({
    topic: "location-client",
    events: [
      {
        site_id: ap.network,
        ap: ap.mac.replaceAll(":", ""),
        mac: GUEST.replaceAll(":", ""),
        type: "wifi",
        rssi: -61,
        timestamp: Math.floor(now / 1000),
      },
    ],
  }),
  freeradius: (ap, now) => accounting(ap, now),
  radius: (ap, now) => accounting(ap, now),
};

function accounting(ap, now) {
  return {
    "Acct-Status-Type": "Start",
    "User-Name": "guest@example.com",
    "Calling-Station-Id": GUEST,
    "Called-Station-Id": ap.mac,
    ...(ap.nas ? { "NAS-Identifier": ap.nas } : {}),
    "Acct-Session-Id": "test",
    "Event-Timestamp": Math.floor(now / 1000),
  };
}

/** Returns an example of a source's post: about a registered hotspot, if there is one. */
export async function sampleOf(app, source, signal) {
  const places = await app.places();
  const roles = ["Organization Manager", "Location Manager"];
  const { hotspots } = app.can("hotspot_read", roles)
    ? await get(at`/v3/hotspots/organizations/${app.cid}`, {}, signal)
    : { hotspots: [] };
  const hotspot = hotspots.find((one) => one.macAddress) ?? hotspots[0];
  const venue = places.byId.get(hotspot?.venueId ?? source.location);
  const ap = {
    mac: hotspot?.macAddress ?? "00:18:0a:aa:bb:cc",
    nas: hotspot?.nasIdentifier,
    network: venue?.externalId ?? "the network's id",
  };
  const make = SAMPLES[source.kind];
  return make ? JSON.stringify(make(ap, new Date()), null, 2) : "";
}
