// The form of a campaign: budget, what a contact costs, what an answer is worth, whom to hold out.

import { make, show } from "./elements.js";
import { makeRow, markInput, setRow } from "./row.js";
import { capital, count, label } from "./words.js";

const NO_LIMIT = "";

/** The form of a planned campaign; `changed` is called after each change. */
export class PlanForm {
  constructor(campaign, names, changed) {
    this.campaign = campaign;
    this.changed = changed;
    // Path in a request -> the inputs and their message; `read` makes what is sent of a number.
    this.inputs = new Map();
    const { currency, offers } = campaign;
    const highest = nice(campaign.highest_cost);
    const most = { min: 0, max: highest, step: stepOf(highest) };
    const first = fieldset("The campaign", this.row("$.budget", `Budget, in ${currency}`, campaign.budget, most, { end: NO_LIMIT }), this.row("$.hold_out", "Held out, in % of whom it chooses", percentOf(campaign.hold_out), { min: 0, max: 50, step: 1 }, { read: shareOf }));
    const fields = offers.map((offer) => this.offer(offer, currency, offers.length > 1));
    show(document.getElementById("plan-fields"), first, ...fields, this.shares(names));
  }

  /** What a request says: every field of the form, those without a number as no limit. */
  changes() {
    const sent = { offers: {}, shares: {} };
    for (const [path, { input, read }] of this.inputs) {
      const parts = path.split(".").slice(1);
      const name = parts.pop();
      const inside = parts.reduce((object, part) => (object[part] ??= {}), sent);
      if (input.value === "" && parts[0] === "shares") continue;
      inside[name] = input.value === "" ? null : read(Number(input.value));
    }
    return sent;
  }

  /** Show each problem beside its field; returns those that belong to none. */
  mark(errors) {
    const found = new Map(errors.map((error) => [error.path, error]));
    for (const [path, { input, message }] of this.inputs) {
      const wrong = found.get(path);
      found.delete(path);
      markInput(input, message, wrong ? `${capital(wrong.problem)}: give ${accepted(path, wrong)}.` : "");
    }
    return [...found.values()].map(({ path, problem }) => `${path}: ${problem}`);
  }

  /** Put the numbers of the campaign as it was planned into the form. */
  reset() {
    for (const { input, slider, planned, end } of this.inputs.values()) setRow(input, slider, planned, end);
  }

  offer({ offer, channel, cost, value }, currency, isOneOfMany) {
    const path = `$.offers.${offer}`;
    const title = isOneOfMany ? `${capital(label(offer))}, by ${label(channel)}` : "Contacts and answers";
    const range = (number) => ({ min: 0, max: nice(2 * number || 10), step: stepOf(nice(2 * number || 10)) });
    return fieldset(title, this.row(`${path}.cost`, `Cost of a contact, in ${currency}`, cost, range(cost)), this.row(`${path}.value`, `Value of an answer, in ${currency}`, value, range(value)));
  }

  shares(names) {
    const rows = this.campaign.segments.map(({ segment }) => {
      const name = names[segment] ?? label(segment);
      const { least, most } = this.campaign.shares[segment] ?? {};
      const part = (side, planned) => this.row(`$.shares.${segment}.${side}`, capital(side), planned === undefined ? "" : percentOf(planned), null, { read: shareOf });
      return make("fieldset", { class: "pair" }, make("legend", {}, name), part("least", least || undefined), part("most", most === 1 ? undefined : most));
    });
    const isLimited = Object.keys(this.campaign.shares).length > 0;
    return make("details", { open: isLimited }, make("summary", {}, "Least and most of each segment, in %"), ...rows);
  }

  row(path, title, planned, slides, { end = null, read = Number } = {}) {
    const id = `plan${path.slice(1).replaceAll(".", "-")}`;
    const input = make("input", { id, type: "number", min: 0, step: "any", inputmode: "decimal", placeholder: end === null ? null : "no limit" });
    const slider = slides && make("input", { type: "range", ...slides, "aria-label": `${title}, slider` });
    const { element, message } = makeRow(make("label", { for: id }, title), input, slider, this.changed, end);
    setRow(input, slider, planned, end);
    this.inputs.set(path, { input, slider, message, planned, end, read });
    return element;
  }
}

const fieldset = (title, ...rows) => make("fieldset", {}, make("legend", {}, title), ...rows);
// Rounded, since 100 times a share of 1 may have many digits.
const percentOf = (share) => Number((100 * share).toFixed(6));
const shareOf = (points) => points / 100;

// In the units of the form.
function accepted(path, { accepted: told }) {
  if (path === "$.hold_out") return "a number from 0 to 50";
  if (path.startsWith("$.shares.")) return told.startsWith("a share") ? "a number from 0 to 100" : told;
  return told.replace("10^12", count(1e12)).replace("null", "nothing");
}

// A round number that is no lower.
function nice(number) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(number, 1)));
  return Math.ceil((2 * number) / unit) * (unit / 2) || 1;
}

const stepOf = (highest) => 10 ** Math.floor(Math.log10(highest / 50));
