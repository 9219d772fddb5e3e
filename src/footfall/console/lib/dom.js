// The document: elements from names, attributes and children.
//
// Text always becomes a text node, so nothing that comes from data is read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in PROPERTIES) element[PROPERTIES[name]] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

// What a person can change has a property; its attribute is only the beginning.
const PROPERTIES = { value: "value", checked: "checked", selected: "selected" };

/** Makes an HTML element: h("button", {type: "button", onclick: save}, "Save"). */
export function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.classList.add(...classes);
  // A select takes its value only once it has its options.
  const { value, ...others } = attributes ?? {};
  fill(element, others, children);
  if (value !== undefined && value !== null) fill(element, { value }, []);
  return element;
}

/** Makes an SVG element. */
export function s(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElementNS(SVG, tag);
  if (classes.length) element.classList.add(...classes);
  return fill(element, attributes, children);
}

/** Puts other children into an element. */
export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

let made = 0;

/** Returns an id that no other element has. */
export function newId(prefix = "id") {
  made += 1;
  return `${prefix}-${made}`;
}
