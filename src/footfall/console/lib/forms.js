// Fields of forms: a label, a control, and what is allowed.

import { h, newId } from "/console/lib/dom.js";

/** A text field. */
export function field(label, name, { hint, ...attributes } = {}) {
  const id = newId("field");
  return h(
    "div.field",
    {},
    h("label", { for: id }, label),
    h("input", { id, name, type: "text", "aria-describedby": hint ? `${id}-hint` : null, ...attributes }),
    hint && h("p.hint", { id: `${id}-hint` }, hint),
  );
}

/** A choice of one; options are [value, label]. */
export function choice(label, name, options, { hint, ...attributes } = {}) {
  const id = newId("field");
  return h(
    "div.field",
    {},
    h("label", { for: id }, label),
    h(
      "select",
      { id, name, "aria-describedby": hint ? `${id}-hint` : null, ...attributes },
      options.map(([value, text]) => h("option", { value }, text)),
    ),
    hint && h("p.hint", { id: `${id}-hint` }, hint),
  );
}

/** A choice of any; options are [value, label]. */
export function choices(legend, name, options, { hint, chosen = [] } = {}) {
  return h(
    "fieldset.choices",
    {},
    h("legend", {}, legend),
    hint && h("p.hint", {}, hint),
    h(
      "div.choice-grid",
      {},
      options.map(([value, label]) =>
        h(
          "label.check",
          {},
          h("input", { type: "checkbox", name, value, checked: chosen.includes(value) }),
          label,
        ),
      ),
    ),
  );
}
