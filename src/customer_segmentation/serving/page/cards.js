// The segments as cards.

import { make, show, table } from "./elements.js";
import { amount, capital, count, feature, label, percent, spoken } from "./words.js";

/** Show each segment; `start` is called with the key of the one to start the what-if from. */
export function showCards(bundle, start) {
  show(document.getElementById("cards"), ...bundle.segments.map((segment) => card(segment, start)));
  const stored = bundle.stored;
  const shares = stored
    ? `${count(stored.customers)} customers of the last batch run.${otherArtifact(bundle)}`
    : "No batch run has stored answers yet, so that shares and offers are not known.";
  document.getElementById("segments-message").textContent = `${shares}${leftOut(bundle)}`;
}

// Of a decision for which the schema has no roles, nothing is said.
function leftOut({ decisions, left_out: reasons }) {
  const told = Object.entries(reasons).filter(([name]) => name in decisions || name === "cold_start").map(([name, reason]) => `${spoken(name)} (${reason})`);
  return told.length ? ` Not told: ${told.join("; ")}.` : "";
}

function otherArtifact(bundle) {
  if (bundle.stored.is_of_champion) return "";
  return ` They were answered by artifact ${bundle.stored.artifact_version}, not by the one in use, so that shares and offers are not known.`;
}

function card(segment, start) {
  const title = make("h3", {}, segment.name);
  const size = segment.share === null ? null : make("p", { class: "size" }, `${percent(segment.share)} of customers (${count(segment.customers)})`);
  const typical = table("The typical customer", [], segment.typical.map(typicalRow));
  const most = segment.offer
    ? make("p", {}, `Most are offered ${label(segment.offer)} (${percent(segment.offer_share)}).`)
    : null;
  const button = make("button", { type: "button", class: "quiet", "aria-label": `Try changes, from ${segment.name}` }, "Try changes from here");
  button.addEventListener("click", () => start(segment.key));
  return make("article", { class: "card" }, title, size, typical, most, button);
}

function typicalRow(part) {
  const value = Math.max(part.value, 0);
  const shown = part.unit === "share of 1" ? percent(value) : amount(value);
  const known = make("span", { title: capital(part.description) }, feature(part.feature));
  return [known, make("td", { class: "number" }, shown, part.unit === "years" ? make("small", {}, " years") : "")];
}
