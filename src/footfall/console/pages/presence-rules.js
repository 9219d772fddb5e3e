// The rules that make visits of presence: for all venues, or one venue's own.

import { get, sendJson } from "/console/lib/api.js";
import { ask, say } from "/console/lib/dialogs.js";
import { h } from "/console/lib/dom.js";
import { field } from "/console/lib/forms.js";
import { facts } from "/console/lib/page.js";
import { panel } from "/console/lib/panels.js";

const RULES = [
  ["minimumDwell", "Minimum stay of a visit", "minutes", 2, 30],
  ["sessionTimeout", "A stay ends after silence of", "minutes", 15, 1440],
  ["minimumSignal", "Minimum signal on arrival", "dBm", -120, 0],
  ["maximumVisit", "Maximum visit", "minutes", 30, 43_200],
];
const CAN_BE_OFF = ["minimumSignal", "maximumVisit"];

/** A panel of the rules at `path`; `venue` if they are one venue's. */
export function rulesPanel(app, path, { title, signal, scope, roles, wide = false, half = false, venue = false }) {
  return panel({
    title,
    wide,
    half,
    height: "12rem",
    signal,
    load: () => get(path, {}, signal),
    render: (rules, reload) => [
      facts(RULES.map(([name, label, unit]) => [label, valueOf(rules, name, unit, venue)])),
      h("p.muted.small", {}, "A change holds from then on. Stored visits stay as they are."),
      app.can(scope, roles) && h("button", { type: "button", onclick: () => change(path, rules, venue, reload) }, "Change the rules"),
    ],
  });
}

function valueOf(rules, name, unit, venue) {
  const text = rules[name] === null || rules[name] === undefined ? "off" : `${rules[name]} ${unit}`;
  if (!venue) return text;
  return [text, " ", h("span.muted.small", {}, rules.setHere.includes(name) ? "set here" : "as everywhere")];
}

async function change(path, rules, venue, reload) {
  const wider = venue ? "Empty: as everywhere." : "Empty: the default.";
  const saved = await ask("Change the rules", {
    submit: "Save",
    text: `Only what is filled in is set ${venue ? "for this venue" : "for all venues"}.`,
    fields: RULES.map(([name, label, unit, least, most]) =>
      field(`${label} (${unit})`, name, {
        type: "number",
        min: least,
        max: most,
        step: 1,
        value: rules.setHere.includes(name) ? (rules[name] ?? "") : "",
        placeholder: rules[name] ?? "off",
        hint: `${least} to ${most}. ${CAN_BE_OFF.includes(name) && !venue ? "Empty: off." : wider}`,
      }),
    ),
    act: (form) => sendJson("PATCH", path, changesOf(form, rules)),
  });
  if (!saved) return;
  say("The rules are saved.");
  reload();
}

/** What is empty and was set here is reset; what is empty and was not stays as it is. */
function changesOf(form, rules) {
  const changes = {};
  for (const [name] of RULES) {
    const text = form.get(name);
    if (text !== "") changes[name] = Number(text);
    else if (rules.setHere.includes(name)) changes[name] = null;
  }
  return changes;
}
