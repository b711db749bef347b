// A customer's stored answer, and where the customer was before, in plain words.

import { make, problem, show, table } from "./elements.js";
import { ask } from "./server.js";
import { advice, amount, day, feature, firmness, percent } from "./words.js";

// What the advice says.
const ADVISED = new Set(["offer", "product", "channel"]);

/** Set up the form; `names` are the segments' names by key, `decisions` the units of answers. */
export function prepareFind(names, decisions) {
  const form = document.getElementById("find-form");
  const input = document.getElementById("customer-id");
  const place = document.getElementById("found");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const id = input.value.trim();
    if (!id) {
      show(place, problem("Type a customer's id first."));
      input.focus();
      return;
    }
    try {
      const response = await ask(`v1/customers/${encodeURIComponent(id)}`);
      const found = await response.json();
      show(place, answered(found, names, decisions), await past(id));
    } catch (error) {
      show(place, problem(error.status === 404 ? notFound(error, id) : error.message));
    }
  });
}

// Null where the server has no history of the customer.
async function past(id) {
  try {
    const response = await ask(`v1/history/${encodeURIComponent(id)}`);
    return snapshots(await response.json());
  } catch (error) {
    return error.status === 404 ? null : problem(error.message);
  }
}

function snapshots(told) {
  const headings = [["Day"], ["Segment"], ["Margin", "number"], ["Artifact"]];
  const rows = told.map((one, at) => {
    const before = told[at + 1];
    const moved = before && before.segment !== one.segment;
    const segment = moved ? make("td", {}, make("strong", {}, one.segment_name), make("br"), make("small", {}, `moved from ${before.segment_name}`)) : make("td", {}, one.segment_name);
    return [day(one.as_of), segment, make("td", { class: "number" }, one.margin === null ? "" : percent(one.margin)), make("td", {}, one.artifact_version)];
  });
  return table("Where this customer was, by the day of each snapshot", headings, rows);
}

function notFound(error, id) {
  if (error.message.includes("no batch run")) return "No batch run has stored answers yet.";
  return `There is no such customer: the last batch run has nobody with the id ${id}.`;
}

function answered(found, names, decisions) {
  const next = names[found.runner_up] ?? found.runner_up;
  const firm = found.margin === undefined ? "" : `, ${firmness(found.margin)} (margin ${percent(found.margin)}; the next would be ${next})`;
  const facts = [
    [feature("offer"), advice(found)],
    ...Object.entries(decisions)
      .filter(([name]) => !ADVISED.has(name))
      .map(([name, unit]) => [feature(name), decided(found[name], unit)]),
    ["As of", day(found.as_of)],
    ["Artifact", found.artifact_version],
  ];
  const list = facts.filter(([, said]) => said).flatMap(([name, said]) => [make("dt", {}, name), make("dd", {}, said)]);
  const other = `This answer is of artifact ${found.artifact_version}, and not of the one in use, ${found.champion_version}.`;
  return make("div", { class: "card" }, found.note ? problem(other) : "", make("p", {}, `Customer ${found.customer_id} is `, make("strong", {}, found.segment_name), `${firm}.`), make("dl", {}, ...list));
}

function decided(value, unit) {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return feature(value);
  return unit === "percentile" ? likely(value) : amount(value);
}

function likely(percentile) {
  return percentile === 0 ? "Among the least likely" : `As much as ${percentile} % of customers, or more`;
}
