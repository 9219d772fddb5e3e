// Dialogs, and short messages that need no answer.

import { h, newId, replace } from "/console/lib/dom.js";
import { icon } from "/console/lib/icons.js";
import { problemBox } from "/console/lib/panels.js";

const MESSAGE_S = 6;

/** Says something in passing; screen readers read it. */
export function say(text) {
  const area = document.getElementById("messages");
  const message = h("p.message", {}, text);
  area.append(message);
  setTimeout(() => message.remove(), MESSAGE_S * 1000);
}

/** Copies text for pasting elsewhere. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied.`);
  } catch {
    // Without TLS a browser has no clipboard for pages, except on this machine.
    showText(`Copy ${what}`, text);
  }
}

export function copyButton(text, what, label = "Copy") {
  return h(
    "button.quiet",
    {
      type: "button",
      "aria-label": label === "" || label === "Copy" ? `Copy ${what}` : null,
      onclick: () => copy(typeof text === "function" ? text() : text, what),
    },
    icon("copy"),
    label,
  );
}

function showText(title, text) {
  const area = h("textarea", { rows: 6, readonly: true, "aria-label": title });
  area.value = text;
  open(title, [area], [closer("Close")]);
  area.select();
}

function closer(label) {
  return h("button", { type: "button", onclick: (event) => event.target.closest("dialog").close() }, label);
}

/** Opens a dialog; the browser keeps the focus in it, and Escape closes it. */
function open(title, content, buttons) {
  const id = newId("dialog");
  const dialog = h(
    "dialog",
    { "aria-labelledby": id },
    h("h2", { id }, title),
    content,
    h("div.buttons", {}, buttons),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Shows something until it is closed; resolves then. */
export function show(title, ...content) {
  return new Promise((resolve) => {
    open(title, content, [closer("Done")]).addEventListener("close", resolve);
  });
}

/** Shows a secret, this once. */
export function showSecret(title, text, secrets, ...more) {
  return show(
    title,
    h("p", {}, text),
    h(
      "dl.secrets",
      {},
      secrets.map(([name, value]) => [
        h("dt", {}, name),
        h("dd", {}, h("code", {}, value), copyButton(value, name)),
      ]),
    ),
    more,
  );
}

/** A form in a dialog: asks, sends with `act`, and shows what is wrong.
 *
 * `act` gets the form's values; the dialog stays open while it fails. Resolves to what
 * `act` gave, or to null if the dialog was closed.
 */
export function ask(title, { fields, submit, act, danger = false, text = null }) {
  return new Promise((resolve) => {
    let result = null;
    const failure = h("div", { "aria-live": "assertive" });
    const button = h(danger ? "button.danger" : "button.primary", { type: "submit" }, submit);
    const form = h(
      "form",
      {
        novalidate: true,
        onsubmit: async (event) => {
          event.preventDefault();
          if (!form.reportValidity()) return;
          button.disabled = true;
          replace(failure);
          try {
            result = (await act(new FormData(form))) ?? true;
            dialog.close();
          } catch (error) {
            replace(failure, problemBox(error));
          } finally {
            button.disabled = false;
          }
        },
      },
      text && h("p", {}, text),
      fields,
      failure,
      h("div.buttons", {}, closer("Cancel"), button),
    );
    const dialog = open(title, form, []);
    dialog.addEventListener("close", () => resolve(result));
  });
}

/** Asks before something that cannot be undone. */
export const confirm = (title, text, submit, act) =>
  ask(title, { text, submit, act, danger: true, fields: [] });
