// A source: how it stands, what it sent that was not understood, and a test.

import { at, get, request, sendJson } from "/console/lib/api.js";
import { confirm, copyButton, say } from "/console/lib/dialogs.js";
import { h, replace } from "/console/lib/dom.js";
import { UTC, ago, count, exactMoment, moment, plural } from "/console/lib/format.js";
import { badge, facts, pageHead } from "/console/lib/page.js";
import { card, emptyState, panel, problemBox } from "/console/lib/panels.js";
import { dataTable } from "/console/lib/table.js";
import { addressOf, kindName, titleOf } from "/console/pages/sources.js";
import { sampleOf } from "/console/pages/source-samples.js";

const PAGE = 50;

export function show({ app, id, signal }) {
  const path = app.path(at`sources/${id}`);
  const writes = app.can("sources_write");
  const heading = pageHead("Source", {
    back: { href: "/console/sources", label: "Sources" },
    actions: writes && h("button.danger", { type: "button", onclick: () => remove(app, path) }, "Delete"),
  });
  const trial = h("div.half");
  const about = panel({
    title: "State",
    half: true,
    height: "12rem",
    signal,
    load: async () => [await get(path, {}, signal), await app.places()],
    render: ([source, places]) => {
      heading.querySelector("h1").textContent = titleOf(source);
      document.title = `${titleOf(source)} · footfall`;
      if (writes && !trial.hasChildNodes()) replace(trial, trialCard(app, path, source, signal));
      return stateOf(source, places);
    },
  });
  return [heading, h("div.grid", {}, about, trial, problemsPanel(path, signal))];
}

const ADVICE = {
  waiting: "Nothing was heard yet. Enter the address and the secret at the vendor; reports come once somebody is there.",
  silent: "Not heard for an hour. Nobody may be there, or the equipment cannot reach this server.",
  sealed: "Its secret was sealed under another FOOTFALL_SECRET, so it receives nothing. Delete it and add a new one.",
  receiving: null,
};

function stateOf(source, places) {
  const address = addressOf(source);
  return [
    facts([
      ["State", badge(source.state)],
      ["Last heard", source.lastHeardAt && `${ago(source.lastHeardAt)}, ${moment(source.lastHeardAt, places.zone(source.location) ?? UTC)}`],
      ["Equipment", kindName(source.kind)],
      ["Address", [h("code", {}, address), " ", copyButton(address, "the address")]],
      ["Senders", source.addresses.join(", ")],
      ["Unregistered access points", source.location ? `given to ${places.name(source.location)}` : "rejected"],
    ]),
    ADVICE[source.state] && h("p.advice", {}, ADVICE[source.state]),
  ];
}

function problemsPanel(path, signal) {
  const all = [];
  return panel({
    title: "Problems",
    note: "what was sent in the last 7 days and not understood; personal data is masked",
    wide: true,
    signal,
    load: () => get(`${path}/problems`, { size: PAGE }, signal),
    render: (page) => {
      all.splice(0, all.length, ...page.problems);
      if (!all.length) return emptyState("No problems", "Everything that this source sent was understood.");
      const table = h("div", {}, problemTable(all));
      const more = h("div.more");
      const offer = (isFull) => replace(more, isFull && h("button", { type: "button", onclick: read }, "Show older problems"));
      const read = async ({ target }) => {
        target.disabled = true;
        try {
          const next = await get(`${path}/problems`, { size: PAGE, before: all.at(-1).id }, signal);
          all.push(...next.problems);
          replace(table, problemTable(all));
          offer(next.count === PAGE);
        } catch (error) {
          replace(more, problemBox(error, () => offer(true)));
        }
      };
      offer(page.count === PAGE);
      return [table, more];
    },
  });
}

const problemTable = (rows) =>
  dataTable({
    caption: "Problems",
    columns: [
      { label: "When (UTC)", class: "when", value: (one) => one.at, render: (one) => exactMoment(one.at, UTC) },
      { label: "Why", value: (one) => one.reason },
      { label: "What was sent", value: (one) => one.sent, render: (one) => h("code.sent", {}, one.sent) },
    ],
    rows,
  });

/** A post, as the vendor would send it, for trying what footfall would understand. */
function trialCard(app, path, source, signal) {
  const area = h("textarea", { id: "sample", rows: 12, spellcheck: "false", "aria-describedby": "sample-hint" });
  const result = h("div", { "aria-live": "polite" });
  const button = h("button.primary", { type: "submit" }, "Send the test");
  sampleOf(app, source, signal).then((sample) => {
    area.value ||= sample;
  }, () => {});
  const form = h(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        try {
          const headers = { "Content-Type": "application/json" };
          const answer = await request(`${path}/test`, { method: "POST", headers, body: area.value });
          replace(result, understood(await answer.json()));
        } catch (error) {
          replace(result, problemBox(error));
        }
        button.disabled = false;
      },
    },
    h("label", { for: "sample" }, "A post of this source"),
    area,
    h("p.hint", { id: "sample-hint" }, "Paste what the vendor sends, or use this example. Nothing of it is stored."),
    button,
    result,
  );
  return card("Send a test", form);
}

function understood(found) {
  const summary = [
    plural(found.observations, "observation"),
    plural(found.logins, "login"),
    plural(found.restarts, "restart"),
  ].join(", ");
  return [
    h(
      "p.outcome",
      {},
      verdict(found),
      ` ${summary}; ${plural(found.rejections, "rejected item")}.`,
    ),
    found.items.length > 0 && dataTable({ caption: "Understood", columns: UNDERSTOOD, rows: found.items, exports: false }),
    found.rejected.length > 0 &&
      h("ul", {}, found.rejected.map((item) => h("li", {}, `Item ${count(item.index)}: ${item.errors.map((one) => `${one.field} ${one.message}`).join("; ")}`))),
  ];
}

function verdict({ observations, logins, restarts, rejections }) {
  if (!rejections) return badge("delivered", "understood");
  return observations + logins + restarts ? badge("failed", "partly understood") : badge("disabled", "not understood");
}

const UNDERSTOOD = [
  { label: "What", value: (one) => one.type },
  { label: "Venue", value: (one) => one.locationName },
  { label: "When (UTC)", value: (one) => one.at, render: (one) => exactMoment(one.at, UTC) },
  { label: "Signal", class: "number", value: (one) => one.rssi, render: (one) => (one.rssi === null ? "–" : `${one.rssi} dBm`) },
  { label: "Address", value: (one) => (one.randomised ? "randomised" : "its own") },
];

async function remove(app, path) {
  const removed = await confirm(
    "Delete this source?",
    "footfall receives nothing at its address any more. What it reported stays.",
    "Delete",
    () => sendJson("DELETE", path),
  );
  if (!removed) return;
  await app.navigate("/console/sources");
  say("The source is deleted.");
}
