// Tables: sorted by a column, exported as they are shown, with rows that open.

import { csvOf, download } from "/console/lib/csv.js";
import { h, newId, replace } from "/console/lib/dom.js";
import { icon } from "/console/lib/icons.js";

/** A button that gives rows as a CSV file. */
export function exportButton(name, columns, rows) {
  const kept = columns.filter((column) => column.value);
  return h(
    "button.quiet",
    {
      type: "button",
      "aria-label": `Export ${name} as CSV`,
      onclick: () => {
        const text = csvOf(
          kept.map((column) => column.label),
          rows().map((row) => kept.map((column) => column.value(row))),
        );
        download(`${name.replaceAll(/[^\w-]+/g, "-")}.csv`, text, "text/csv");
      },
    },
    icon("download"),
    "CSV",
  );
}

function compare(a, b) {
  if (a === null || a === undefined || a === "") return 1;
  if (b === null || b === undefined || b === "") return -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function headerCell(column, state, sort) {
  if (!column.value || column.sorts === false) {
    return h("th", { scope: "col", class: column.class }, column.label);
  }
  const sorted = state.by === column;
  const direction = state.down ? "descending" : "ascending";
  return h(
    "th",
    { scope: "col", class: column.class, "aria-sort": sorted ? direction : null },
    h("button.sort", { type: "button", onclick: () => sort(column) }, column.label),
  );
}

function bodyCell(column, row, isFirst) {
  const shown = column.render ? column.render(row) : column.value(row);
  return h(isFirst ? "th" : "td", { scope: isFirst ? "row" : null, class: column.class }, shown ?? "–");
}

/** A row that opens: a button in its first cell shows what `detail` makes. */
function rowsOf(row, columns, detail) {
  if (!detail) return h("tr", {}, columns.map((column, at) => bodyCell(column, row, at === 0)));
  const id = newId("detail");
  const more = h("tr.detail", { id, hidden: true }, h("td", { colspan: columns.length + 1 }));
  const button = h(
    "button.disclose",
    {
      type: "button",
      "aria-expanded": "false",
      "aria-controls": id,
      "aria-label": `Details of ${columns[0].value(row)}`,
      onclick: () => {
        const opens = more.hidden;
        if (opens) replace(more.firstChild, detail(row));
        more.hidden = !opens;
        button.setAttribute("aria-expanded", String(opens));
      },
    },
    icon("more"),
  );
  return [
    h("tr", {}, h("td.narrow", {}, button), columns.map((column, at) => bodyCell(column, row, at === 0))),
    more,
  ];
}

/** Makes a table.
 *
 * A column has a label, `value` (for sorting and the file) and perhaps `render` (what is
 * shown) and `class`. The first column names the row.
 */
export function dataTable({ caption, columns, rows, detail, exports = true, sorts = true }) {
  const state = { by: null, down: false, rows: [...rows] };
  const head = h("thead");
  const body = h("tbody");
  const draw = () => {
    const cells = columns.map((column) => headerCell(sorts ? column : { ...column, sorts: false }, state, sort));
    const first = detail ? h("th", { scope: "col", class: "narrow" }, h("span.hidden", {}, "Details")) : null;
    replace(head, h("tr", {}, first, cells));
    replace(body, state.rows.map((row) => rowsOf(row, columns, detail)));
  };
  const sort = (column) => {
    state.down = state.by === column && !state.down;
    state.by = column;
    const sign = state.down ? -1 : 1;
    state.rows.sort((a, b) => sign * compare(column.value(a), column.value(b)));
    draw();
    [...head.querySelectorAll("button.sort")].find((one) => one.textContent === column.label)?.focus();
  };
  draw();
  return h(
    "div.table",
    {},
    exports && h("div.table-tools", {}, exportButton(caption, columns, () => state.rows)),
    h(
      "div.scroll",
      { tabindex: 0, role: "region", "aria-label": `Table: ${caption}` },
      h("table", {}, h("caption.hidden", {}, caption), head, body),
    ),
  );
}
