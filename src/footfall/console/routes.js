// The pages and their addresses; what a user may not read is not offered.

const MANAGER = ["Organization Manager"];
const LOCAL = [...MANAGER, "Location Manager"];

export const ROUTES = [
  { name: "overview", path: "", label: "Overview", scope: "analytics_read", roles: LOCAL },
  { name: "live", path: "live", label: "Live events", scope: "events_read", roles: MANAGER },
  { name: "contacts", path: "contacts", label: "Contacts", scope: "customer_read", roles: MANAGER },
  { name: "contact", path: "contacts/:id", under: "contacts" },
  { name: "venues", path: "venues", label: "Venues", scope: "location_read", roles: LOCAL },
  { name: "venue", path: "venues/:id", under: "venues" },
  { name: "sources", path: "sources", label: "Sources", scope: "sources_read", roles: LOCAL },
  { name: "source", path: "sources/:id", under: "sources" },
  { name: "webhooks", path: "webhooks", label: "Webhooks", scope: "webhooks_read", roles: MANAGER },
  { name: "webhook", path: "webhooks/:id", under: "webhooks" },
  { name: "credentials", path: "credentials", label: "Credentials", scope: "services_read", roles: LOCAL },
  { name: "sign-in", path: "sign-in" },
];

/** Returns the route of an address and the parameters in it; route is null if none. */
export function findRoute(pathname) {
  const parts = partsOf(pathname.replace(/^\/console/, ""));
  for (const route of ROUTES) {
    const wanted = partsOf(route.path);
    if (wanted.length !== parts.length) continue;
    const fits = wanted.every((part, at) => part.startsWith(":") || part === parts[at]);
    if (!fits) continue;
    const named = wanted.flatMap((part, at) =>
      part.startsWith(":") ? [[part.slice(1), decodeURIComponent(parts[at])]] : [],
    );
    return { route, parameters: Object.fromEntries(named) };
  }
  return { route: null, parameters: {} };
}

const partsOf = (path) => path.split("/").filter(Boolean);

/** The address of the sign-in page, which leads back to `from`. */
export function signInPath(from) {
  const isPlain = !from || from === "/console" || from === "/console/";
  return isPlain ? "/console/sign-in" : `/console/sign-in?then=${encodeURIComponent(from)}`;
}
