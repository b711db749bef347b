// DOM elements from text: nothing that the server sends is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element with its attributes and children; a text becomes a text node. */
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Begin once a section is nearly in sight. */
export function whenNear(id, begin) {
  const watch = new IntersectionObserver(
    (seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      watch.disconnect();
      begin();
    },
    { rootMargin: "300px" },
  );
  watch.observe(document.getElementById(id));
}

/** A table of rows; the first cell of each row is its heading. */
export function table(caption, headings, rows) {
  const head = headings.length
    ? [make("thead", {}, make("tr", {}, ...headings.map(([text, kind]) => make(text ? "th" : "td", { scope: text ? "col" : null, class: kind }, text))))]
    : [];
  const body = rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first), ...rest));
  return make("table", { class: "bars" }, make("caption", {}, caption), ...head, make("tbody", {}, ...body));
}

/** A bar from 0 to a share of 1, with a text for screen readers. */
export function bar(share, label) {
  const width = 100 * Math.min(Math.max(share, 0), 1);
  return drawn(label, rectangle(0, 100, "track"), rectangle(0, width, "fill"));
}

/** A bar to the right of the middle above 0, and to the left below; share is from -1 to 1. */
export function twoSidedBar(share, label) {
  const width = 50 * Math.min(Math.abs(share), 1);
  const start = share < 0 ? 50 - width : 50;
  const kind = share < 0 ? "against" : "fill";
  return drawn(label, rectangle(0, 100, "track"), rectangle(start, width, kind), rectangle(49.75, 0.5, "mark"));
}

/** Replace the content of an element. */
export function show(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null));
}

/** An error message. */
export function problem(text) {
  return make("p", { class: "problem" }, text);
}

/** An element of a drawing. */
export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** A part of a page that scrolls where it is narrow, also by keyboard. */
export function scrolling(label, content) {
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label }, content);
}

function drawn(label, ...shapes) {
  const frame = { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": label };
  return draw("svg", frame, ...shapes);
}

function rectangle(x, width, kind) {
  return draw("rect", { x, y: 0, width, height: 10, class: kind });
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
