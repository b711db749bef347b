// A row of menus that writes one comparison of a rule.

import { make, show } from "./elements.js";

const NUMBERS = [["=", "is"], ["!=", "is not"], ["<", "is below"], ["<=", "is at most"], [">", "is above"], [">=", "is at least"]];
const DAYS = [["=", "is"], ["!=", "is not"], ["<", "is before"], ["<=", "is at the latest"], [">", "is after"], [">=", "is at the earliest"]];
const TEXTS = [["=", "is"], ["!=", "is not"]];
const MISSING = [["is missing", "is missing"], ["is not missing", "is known"]];
const COMPARISONS = { number: NUMBERS, day: DAYS, text: TEXTS };

/** Fill the row; `add` is called with the joining word and the comparison that was chosen. */
export function prepareClause(fields, add) {
  const [join, field, sign, value] = ["join", "field", "sign", "value"].map((part) => document.getElementById(`clause-${part}`));
  const groups = [...new Set(fields.map(({ group }) => group))];
  const options = (group) => fields.filter((one) => one.group === group).map(({ name, label }) => make("option", { value: name }, label));
  show(field, ...groups.map((group) => make("optgroup", { label: group }, ...options(group))));
  const chosen = () => fields.find(({ name }) => name === field.value);
  const turn = () => {
    show(sign, ...[...COMPARISONS[chosen().kind], ...MISSING].map(([text, words]) => make("option", { value: text }, words)));
    enter();
  };
  const enter = () => {
    const { kind, values, unit } = chosen();
    const isAsked = !sign.value.includes("missing");
    const entry = values.length ? make("select", {}, ...values.map((one) => make("option", { value: one.value }, one.label))) : make("input", { type: kind === "day" ? "date" : kind, step: "any", placeholder: unit || null, autocomplete: "off" });
    entry.setAttribute("aria-label", unit ? `Value, in ${unit}` : "Value");
    show(value, isAsked ? entry : null);
  };
  field.addEventListener("change", turn);
  sign.addEventListener("change", enter);
  document.getElementById("clause-add").addEventListener("click", () => {
    const entry = value.firstElementChild;
    if (entry && entry.value === "") {
      entry.focus();
      return;
    }
    add(join.value, [field.value, sign.value, entry && written(chosen().kind, entry.value)].filter(Boolean).join(" "));
  });
  turn();
}

function written(kind, value) {
  return kind === "text" ? `"${value.replaceAll('"', '""')}"` : value;
}
