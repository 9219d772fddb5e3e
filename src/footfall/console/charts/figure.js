// What all charts have: title and unit, a reading at a cursor, and the table behind.
//
// A chart is one stop of the Tab key. Arrow keys, or the pointer, move its cursor from
// value to value; a screen reader hears each as the value of a slider.

import { h, newId, replace } from "/console/lib/dom.js";
import { dataTable } from "/console/lib/table.js";

/** Returns round numbers from 0 to at least `most`, about `wanted` of them. */
export function ticks(most, wanted = 4) {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  // Things that are counted have no halves.
  const whole = most >= wanted ? step : Math.max(1, step);
  const found = [];
  for (let at = 0; at < most + whole; at += whole) found.push(at);
  return found;
}

/** Makes a chart's figure.
 *
 * Args: `title`, `unit`; `summary`, a sentence for those who cannot see it; `size`, how
 * many values; `stride`, how far Up and Down go; `draw(width)` gives {svg, spot(index)},
 * where a spot is the {x, y, mark} of a value; `read(index)` gives [heading, lines];
 * `table`, the arguments of dataTable; `legend`, [class, text] of each series.
 */
export function figure(chart) {
  const { title, unit, summary, size, legend = [], table } = chart;
  const id = newId("chart");
  const holder = h("div.plot-svg");
  const tip = h("div.tip", { hidden: true, "aria-hidden": "true" });
  const plot = h(
    "div.plot",
    {
      tabindex: 0,
      role: "slider",
      "aria-label": `${title}. ${summary} Arrow keys read the values.`,
      "aria-valuemin": 0,
      "aria-valuemax": Math.max(size - 1, 0),
    },
    holder,
    tip,
  );
  const cursor = new Cursor(chart, plot, tip);
  redrawOnResize(holder, (width) => {
    const drawn = chart.draw(width);
    replace(holder, drawn.svg);
    cursor.drawn(drawn);
  });
  return h(
    "figure.chart",
    { "aria-labelledby": id },
    h(
      "figcaption",
      { id },
      h("span.chart-title", {}, title),
      h("span.unit", {}, unit),
      legend.map(([name, text]) => h("span.legend", {}, h(`span.swatch.${name}`, { "aria-hidden": "true" }), text)),
    ),
    plot,
    h("details.behind", {}, h("summary", {}, "Values as a table"), dataTable(table)),
  );
}

class Cursor {
  #index;
  #drawn = null;

  constructor({ size, stride = 1, read, start = size - 1 }, plot, tip) {
    Object.assign(this, { size, stride, read, plot, tip });
    this.#index = Math.max(Math.min(start, size - 1), 0);
    this.#name();
    plot.addEventListener("keydown", (event) => this.#key(event));
    plot.addEventListener("pointermove", (event) => this.#point(event));
    plot.addEventListener("pointerdown", (event) => this.#point(event));
    plot.addEventListener("pointerleave", () => this.#hide());
    plot.addEventListener("focus", () => plot.matches(":focus-visible") && this.#show());
    plot.addEventListener("blur", () => this.#hide());
  }

  drawn(drawn) {
    this.#drawn = drawn;
    this.#hide();
  }

  #name() {
    const [heading, lines] = this.size ? this.read(this.#index) : ["No values", []];
    this.plot.setAttribute("aria-valuenow", this.#index);
    this.plot.setAttribute("aria-valuetext", [heading, ...lines].join(", "));
    return [heading, lines];
  }

  #key(event) {
    const steps = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowUp: -this.stride,
      ArrowDown: this.stride,
      PageUp: -7,
      PageDown: 7,
      Home: -this.size,
      End: this.size,
    };
    if (event.key === "Escape") this.#hide();
    const step = steps[event.key];
    if (step === undefined || !this.size) return;
    event.preventDefault();
    // In a grid, a step beyond its edge stays where it is.
    const next = this.#index + step;
    const isSmall = Math.abs(step) <= this.stride;
    if (isSmall && this.stride > 1 && (next < 0 || next >= this.size)) return;
    this.#index = Math.min(Math.max(next, 0), this.size - 1);
    this.#show();
  }

  #point(event) {
    if (!this.#drawn || !this.size) return;
    const box = this.plot.getBoundingClientRect();
    const index = this.#drawn.nearest(event.clientX - box.left, event.clientY - box.top);
    if (index === null) return;
    this.#index = index;
    this.#show();
  }

  #show() {
    if (!this.#drawn || !this.size) return;
    const [heading, lines] = this.#name();
    replace(this.tip, h("strong", {}, heading), lines.map((line) => h("span", {}, line)));
    this.tip.hidden = false;
    const { x, y } = this.#drawn.mark(this.#index);
    const most = this.plot.clientWidth - this.tip.offsetWidth;
    const left = Math.min(Math.max(x - this.tip.offsetWidth / 2, 0), Math.max(most, 0));
    const above = y - this.tip.offsetHeight - 10;
    this.tip.style.transform = `translate(${left}px, ${above < 0 ? y + 14 : above}px)`;
  }

  #hide() {
    this.tip.hidden = true;
    this.#drawn?.mark(null);
  }
}

function redrawOnResize(element, draw) {
  let width = 0;
  const observer = new ResizeObserver(([entry]) => {
    const found = Math.floor(entry.contentRect.width);
    if (!element.isConnected) observer.disconnect();
    else if (found && found !== width) draw((width = found));
  });
  observer.observe(element);
}
