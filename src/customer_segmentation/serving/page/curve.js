// The profit curve: drawn to the width that there is, and as a table.

import { draw, make, show, table } from "./elements.js";
import { amount, count, short } from "./words.js";

const HEIGHT = 240;
const LEFT = 56;
const [TOP, RIGHT, BOTTOM] = [12, 12, 36];
const ROWS = 11;

/** A figure of the expected profit by customers contacted; `chosen` is the plan's own point. */
export function curveFigure(points, chosen, currency) {
  const place = make("div", { class: "plot" });
  const best = points.reduce((most, point) => (point.expected_profit > most.expected_profit ? point : most));
  const last = points.at(-1);
  const said = `Expected profit by how many are contacted, those first who bring most, in no regard of limits. It is highest at about ${count(best.contacted)} contacts, and with all ${count(last.contacted)} it is ${amount(last.expected_profit)} ${currency}. The dot is this plan.`;
  new ResizeObserver(() => show(place, plot(points, chosen, place.clientWidth, said))).observe(place);
  const step = Math.max(1, Math.ceil((points.length - 1) / (ROWS - 1)));
  const rows = points.filter((_, at) => at % step === 0 || at === points.length - 1);
  const numbers = table("Expected profit by customers contacted", [["Contacted"], ["Expected profit", "number"]], rows.map((point) => [count(point.contacted), make("td", { class: "number" }, amount(point.expected_profit))]));
  return make("figure", { class: "curve" }, make("figcaption", {}, said), place, make("details", {}, make("summary", {}, "The curve as a table"), numbers));
}

function plot(points, chosen, width, label) {
  const most = points.at(-1).contacted || 1;
  const profits = [0, chosen.expected_profit, ...points.map((point) => point.expected_profit)];
  const rows = ticks(Math.min(...profits), Math.max(...profits), 4);
  const [low, high] = [rows[0], rows.at(-1)];
  const x = (contacted) => LEFT + ((width - LEFT - RIGHT) * contacted) / most;
  const y = (profit) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - profit)) / (high - low);
  const columns = ticks(0, most, Math.max(3, Math.floor(width / 120))).filter((value) => value <= most);
  const line = points.map((point) => `${x(point.contacted).toFixed(1)},${y(point.expected_profit).toFixed(1)}`).join(" ");
  const [atX, atY] = [x(chosen.contacted), y(chosen.expected_profit)];
  return draw(
    "svg",
    { class: "plot", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label },
    ...rows.flatMap((value) => [draw("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value), class: value === 0 ? "zero" : "grid" }), text(LEFT - 8, y(value) + 4, "end", short(value))]),
    ...columns.map((value) => text(x(value), HEIGHT - BOTTOM + 18, value === 0 ? "start" : "middle", short(value))),
    text(width - RIGHT, HEIGHT - 3, "end", "customers contacted"),
    draw("polyline", { points: line, class: "line" }),
    draw("line", { x1: atX, x2: atX, y1: TOP, y2: HEIGHT - BOTTOM, class: "here" }),
    draw("circle", { cx: atX, cy: atY, r: 5, class: "here" }),
  );
}

const text = (x, y, anchor, content) => draw("text", { x, y, "text-anchor": anchor }, content);

// Round numbers that span from the lowest to the highest, about so many.
function ticks(lowest, highest, number) {
  const rough = (highest - lowest || 1) / number;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
  const first = Math.floor(lowest / step);
  const last = Math.max(Math.ceil(highest / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
}
