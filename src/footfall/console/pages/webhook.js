// A webhook: how it stands, what was delivered and what not, and sending again.

import { at, get, sendJson } from "/console/lib/api.js";
import { ask, confirm, say, showSecret } from "/console/lib/dialogs.js";
import { h, replace } from "/console/lib/dom.js";
import { count, exactMoment, moment, plural } from "/console/lib/format.js";
import { choice, field } from "/console/lib/forms.js";
import { badge, facts, pageHead } from "/console/lib/page.js";
import { emptyState, panel, problemBox } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";
import { scopeOf, stateOf } from "/console/pages/webhooks.js";

const PAGE = 50;
const OUTCOMES = ["delivered", "failed", "given_up", "dropped", "disabled"];
const HOUR_MS = 3_600_000;

export function show({ app, id, signal }) {
  const path = app.path(at`webhooks/${id}`);
  const deliveries = deliveriesPanel(app, path, signal);
  const state = panel({
    title: "State",
    wide: true,
    height: "12rem",
    signal,
    load: async () => [await get(path, {}, signal), await app.places()],
    render: ([webhook, places], reload) => {
      const again = () => {
        reload();
        deliveries.reload();
      };
      return [about(webhook, places), app.can("webhooks_write") && actions(app, path, webhook, again)];
    },
  });
  return [
    pageHead("Webhook", { note: h("span.id", {}, id), back: { href: "/console/webhooks", label: "Webhooks" } }),
    h("div.grid", {}, state, deliveries),
  ];
}

function about(webhook, places) {
  return facts([
    ["Address", h("code.url", {}, webhook.url)],
    ["State", stateOf(webhook)],
    ["Sends", scopeOf(webhook, places)],
    ["Events in a message", `up to ${count(webhook.batchSize)}`],
    ["Wait to be tried again", plural(webhook.pending, "message")],
    ["Not looked at yet", plural(webhook.behind, "entry", "entries")],
    ["Made", `${moment(webhook.createdAt, "UTC")} UTC`],
  ]);
}

function actions(app, path, webhook, reload) {
  const act = (label, run, kind = "button") => h(kind, { type: "button", onclick: run }, label);
  const enable = async () => {
    await attempt(() => sendJson("PATCH", path, { enabled: !webhook.enabled }));
    reload();
  };
  return h(
    "div.actions",
    {},
    act("Send a ping", () => attempt(() => ping(path, reload))),
    act(webhook.enabled ? "Disable" : "Enable", enable),
    act("New secret", () => rotate(path)),
    act("Send again since …", () => replay(path)),
    act("Delete", () => remove(app, path), "button.danger"),
  );
}

async function attempt(run) {
  try {
    await run();
  } catch (error) {
    say(`That did not work: ${error.message}`);
  }
}

async function ping(path, reload) {
  const result = await sendJson("POST", `${path}/ping`);
  const what = result.status ? `The endpoint answered ${result.status}` : `No answer: ${result.reason}`;
  say(`${result.delivered ? "Delivered" : "Not delivered"}. ${what}, in ${count(result.durationMs)} ms.`);
  reload();
}

async function rotate(path) {
  const made = await ask("Make a new secret?", {
    submit: "Make a new secret",
    fields: [
      choice("The former one signs beside it for", "overlap", [[86_400, "a day"], [3600, "an hour"], [604_800, "7 days"], [0, "no time: it ends now"]]),
    ],
    act: (form) => sendJson("POST", `${path}/rotate`, { overlap: Number(form.get("overlap")) }),
  });
  if (made) await showSecret("The new secret", "Verify messages with this one from now on. It is shown only now.", [["Secret", made.secret]]);
}

async function replay(path) {
  const since = new Date(Date.now() - 24 * HOUR_MS).toISOString().slice(0, 16);
  const sent = await ask("Send events again", {
    submit: "Send again",
    text: "All events since then are sent again, in the order in which they arrived, with the ids that they had.",
    fields: [field("Since (UTC)", "from", { type: "datetime-local", required: true, value: since })],
    act: (form) => sendJson("POST", `${path}/replay`, { from: `${form.get("from")}:00Z` }),
  });
  if (sent) say("footfall sends them again now.");
}

async function remove(app, path) {
  const removed = await confirm("Delete this webhook?", "Nothing more is sent to it, and its log of deliveries is gone.", "Delete", () => sendJson("DELETE", path));
  if (!removed) return;
  await app.navigate("/console/webhooks");
  say("The webhook is deleted.");
}

function deliveriesPanel(app, path, signal) {
  const filter = h(
    "select",
    { "aria-label": "Outcome", onchange: () => element.reload() },
    h("option", { value: "" }, "All outcomes"),
    OUTCOMES.map((one) => h("option", { value: one }, one.replaceAll("_", " "))),
  );
  const read = (before) => get(`${path}/deliveries`, { status: filter.value, size: PAGE, before }, signal);
  const element = panel({
    title: "Deliveries",
    note: "attempts of the last 7 days, newest first",
    wide: true,
    signal,
    actions: [filter, h("button", { type: "button", onclick: () => element.reload() }, "Refresh")],
    load: () => read(),
    render: (page) => deliveriesOf(app, path, page, read),
  });
  return element;
}

function deliveriesOf(app, path, page, read) {
  if (!page.deliveries.length) return emptyState("Nothing was tried", "Attempts appear with the first event, or with a ping.");
  const all = [...page.deliveries];
  const table = h("div");
  const more = h("div.more");
  const draw = (isFull) => {
    replace(table, deliveryTable(app, path, all));
    replace(more, isFull && h("button", { type: "button", onclick: older }, "Show older attempts"));
  };
  const older = async () => {
    try {
      const next = await read(all.at(-1).id);
      all.push(...next.deliveries);
      draw(next.count === PAGE);
    } catch (error) {
      replace(more, problemBox(error, older));
    }
  };
  draw(page.count === PAGE);
  return [table, more];
}

function deliveryTable(app, path, rows) {
  return dataTable({
    caption: "Deliveries",
    columns: [
      { label: "When (UTC)", class: "when", value: (one) => one.at, render: (one) => exactMoment(one.at, "UTC") },
      { label: "Outcome", value: (one) => one.outcome, render: (one) => badge(one.outcome) },
      { label: "Answer", value: (one) => one.status ?? one.reason },
      { label: "Event", value: (one) => one.eventId, render: (one) => (one.eventId ? h("span.id", {}, one.eventId) : "–") },
      { label: "Attempt", class: "number", value: (one) => one.attempt },
      { label: "Took", class: "number", value: (one) => one.durationMs, render: (one) => `${count(one.durationMs)} ms` },
    ],
    rows,
    detail: (one) => deliveryDetail(app, path, one),
  });
}

function deliveryDetail(app, path, one) {
  const resend = async ({ target }) => {
    target.disabled = true;
    await attempt(async () => {
      await sendJson("POST", path + at`/deliveries/${one.id}/resend`);
      say("The event is sent again now.");
    });
    target.disabled = false;
  };
  return h(
    "div.event-detail",
    {},
    h("p", {}, one.status ? `The endpoint answered ${one.status}:` : `There was no answer: ${one.reason ?? "unknown"}.`),
    one.answer && h("pre.json", { tabindex: 0, "aria-label": "Answer of the endpoint" }, one.answer),
    one.eventId && app.can("webhooks_write") && h("div.actions", {}, h("button", { type: "button", onclick: resend }, "Send this event again")),
  );
}
