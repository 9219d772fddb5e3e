// The API, as the console's session may use it.
//
// The session's cookie only gets access tokens, at /console/session. Everything else is
// the public API, with such a token. Tokens are in this module's memory and nowhere else.

const RENEW_BEFORE_S = 60;

/** What the server, or the way to it, answered instead of a result. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.title = body.title;
    this.code = String(body.type ?? "").split(":").pop();
    this.errors = body.errors ?? [];
    this.requestId = body.requestId;
    this.retryAfter = body.retryAfter;
  }
}

/** The session is over; who listens shows the way to sign in. */
export class SignedOut extends Problem {}

let token = null;
let renewal = null;
let whenSignedOut = () => {};

/** Names what is called when the session turns out to be over. */
export function onSignedOut(listener) {
  whenSignedOut = listener;
}

async function problemOf(answer) {
  let body = {};
  try {
    body = await answer.json();
  } catch {
    // A proxy's page, or nothing: the status says enough.
  }
  const Kind = answer.status === 401 ? SignedOut : Problem;
  const problem = new Kind(answer.status, body ?? {});
  problem.retryAfter = Number(answer.headers.get("Retry-After")) || null;
  return problem;
}

async function send(path, options) {
  try {
    return await fetch(path, { cache: "no-store", redirect: "error", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {
      title: "No connection",
      detail: "The server cannot be reached. Check that it runs and that you are online.",
    });
  }
}

async function sessionRequest(method, path, value) {
  const answer = await send(`/console/${path}`, {
    method,
    credentials: "same-origin",
    headers: value === undefined ? {} : { "Content-Type": "application/json" },
    body: value === undefined ? undefined : JSON.stringify(value),
  });
  if (!answer.ok) throw await problemOf(answer);
  return answer.status === 204 ? null : answer.json();
}

/** The session that the browser has; SignedOut if it has none. */
export const readSession = () => sessionRequest("GET", "session");
export const signInMethods = () => sessionRequest("GET", "sign-in-methods");
export const signIn = (value) => sessionRequest("POST", "session", value);

/** Sets a new password; all other sessions end, and this one's tokens. */
export async function changePassword(value) {
  await sessionRequest("POST", "session/password", value);
  token = null;
}

/** Ends the session and its tokens. */
export async function signOut() {
  token = null;
  await sessionRequest("DELETE", "session");
}

async function renew() {
  const made = await sessionRequest("POST", "session/token");
  token = {
    text: made.accessToken,
    until: Date.now() + Math.max(made.expiresIn - RENEW_BEFORE_S, 1) * 1000,
  };
}

/** Returns a token that holds for a while. */
async function accessToken() {
  if (token && Date.now() < token.until) return token.text;
  renewal ??= renew().finally(() => {
    renewal = null;
  });
  try {
    await renewal;
  } catch (error) {
    if (error instanceof SignedOut) whenSignedOut();
    throw error;
  }
  return token.text;
}

/** Asks the API; returns its Response, or throws a Problem. */
export async function request(path, options = {}) {
  for (let attempt = 0; ; attempt += 1) {
    const bearer = await accessToken();
    const answer = await send(path, {
      ...options,
      credentials: "omit",
      headers: { ...options.headers, Authorization: `Bearer ${bearer}` },
    });
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    // A token may have ended early: with its session, or when the server's key changed.
    const refused = problem.code === "token-refused" || answer.status === 401;
    if (!refused || attempt > 0) throw problem;
    if (token?.text === bearer) token = null;
  }
}

/** Gets JSON; parameters that are null or empty are left out. */
export async function get(path, parameters = {}, signal = undefined) {
  return (await request(withQuery(path, parameters), { signal })).json();
}

/** Sends JSON; returns the answer's JSON, or null if it has none. */
export async function sendJson(method, path, value = undefined) {
  const answer = await request(path, {
    method,
    headers: value === undefined ? {} : { "Content-Type": "application/json" },
    body: value === undefined ? undefined : JSON.stringify(value),
  });
  return answer.status === 204 ? null : answer.json();
}

/** Puts parameters behind a path. */
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Returns a path with its parts encoded: at`/v1/locations/${id}`. */
export function at(texts, ...parts) {
  return String.raw({ raw: texts }, ...parts.map(encodeURIComponent));
}
