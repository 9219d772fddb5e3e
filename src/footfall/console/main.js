// The console: finds out who is there, and shows the page of the address.

import { SignedOut, onSignedOut, readSession } from "/console/lib/api.js";
import { h, replace } from "/console/lib/dom.js";
import { emptyState, problemBox } from "/console/lib/panels.js";
import { makeApp } from "/console/lib/app.js";
import { ROUTES, findRoute, signInPath } from "/console/routes.js";
import { makeShell } from "/console/shell.js";

const messages = h("div.messages", { id: "messages", role: "status" });
const root = h("div.root");
let app = null;
let shell = null;
let leaving = new AbortController();

/** Goes to another page without loading this one again. */
function navigate(path, { replaces = false } = {}) {
  if (path !== location.pathname + location.search) {
    history[replaces ? "replaceState" : "pushState"](null, "", path);
  }
  return showPage(true);
}

async function showPage(moves) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { route, parameters } = findRoute(location.pathname);
  if (route?.name === "sign-in") return showSignIn();
  if (!app && !(await begin())) return null;
  if (signal.aborted) return null;
  shell.here(route);
  try {
    const page = route && (await import(`/console/pages/${route.name}.js`));
    if (signal.aborted) return null;
    const query = new URLSearchParams(location.search);
    shell.show(page ? page.show({ app, signal, query, ...parameters }) : nothingHere());
  } catch (error) {
    shell.show([h("h1", { tabindex: -1 }, "This page cannot be shown"), problemBox(error, () => showPage(true))]);
  }
  const heading = shell.main.querySelector("h1");
  document.title = `${heading?.textContent ?? "Console"} · footfall`;
  if (moves) {
    window.scrollTo(0, 0);
    heading?.focus({ preventScroll: true });
  }
  return null;
}

function nothingHere() {
  const back = h("a", { href: "/console" }, "Go to the overview");
  return [h("h1", { tabindex: -1 }, "No such page"), emptyState("There is nothing at this address.", "It may have moved.", back)];
}

/** Finds out who is signed in; leads to the sign-in page if nobody is. */
async function begin() {
  try {
    app = makeApp(await readSession(), navigate, () => showPage(false));
  } catch (error) {
    if (error instanceof SignedOut) toSignIn();
    else replace(root, h("main.alone", {}, h("h1", {}, "footfall"), problemBox(error, () => showPage(false))));
    return false;
  }
  shell = makeShell(app, ROUTES, toSignIn);
  replace(root, shell.element);
  return true;
}

function toSignIn() {
  const from = findRoute(location.pathname).route?.name === "sign-in" ? null : location.pathname + location.search;
  app = null;
  shell = null;
  navigate(signInPath(from), { replaces: true });
}

async function showSignIn() {
  app = null;
  shell = null;
  const page = await import("/console/pages/sign-in.js");
  const then = new URLSearchParams(location.search).get("then");
  replace(root, page.show({ signedIn: () => navigate(safePath(then), { replaces: true }) }));
  document.title = "Sign in · footfall";
}

/** A path of the console: an address could name another site to go to. */
function safePath(path) {
  return path && /^\/console(\/[\w./%-]*)?(\?[^#]*)?$/.test(path) ? path : "/console";
}

function followLinks(event) {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest("a[href]");
  if (!isPlain || event.defaultPrevented || !link || link.hasAttribute("download") || link.rel === "external") return;
  const href = link.getAttribute("href");
  const isOurs = href === "/console" || href.startsWith("/console/") || href.startsWith("/console?");
  if (!isOurs) return;
  event.preventDefault();
  navigate(href);
}

document.body.append(root, messages);
document.addEventListener("click", followLinks);
window.addEventListener("popstate", () => showPage(true));
onSignedOut(toSignIn);
showPage(false);
