// Audiences: customers by segment, rule and consent, counted as one types, and kept by name.

import { prepareClause } from "./clause.js";
import { bar, make, problem, scrolling, show, table, whenNear } from "./elements.js";
import { KeptAudiences } from "./kept.js";
import { markInput } from "./row.js";
import { ask } from "./server.js";
import { capital, count, day, percent } from "./words.js";

// Milliseconds after the last change; longer before a problem is told, since one may go on typing.
const PAUSE = 120;
const PATIENCE = 700;
const SLOW = 400;
const BUSY = 1000;
const NOTHING = "No batch run has stored customers yet: it takes kedro run.";

/** Load the section once it is nearly in sight; `names` are the segments' names by key. */
export function prepareAudience(names) {
  whenNear("audience", () => load(names));
}

async function load(names) {
  const message = document.getElementById("audience-message");
  try {
    const choices = await (await ask("v1/audiences")).json();
    new Builder(choices, names);
    message.textContent = `${count(choices.customers)} customers as of ${day(choices.as_of)}.`;
    document.getElementById("audience-builder").hidden = false;
  } catch (error) {
    show(message, error.status === 404 ? NOTHING : problem(error.message).firstChild);
    message.className = error.status === 404 ? "" : "problem";
  }
}

class Builder {
  constructor(choices, names) {
    this.choices = choices;
    this.names = names;
    const part = (name) => document.getElementById(`audience-${name}`);
    [this.line, this.more, this.rule, this.wrong, this.purpose] = ["line", "more", "rule", "rule-problem", "purpose"].map(part);
    this.segments = choices.segments.map(({ value, label }) => {
      const button = make("button", { type: "button", class: "quiet", "aria-pressed": "false", value }, label);
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
        this.askLater(0);
      });
      return button;
    });
    show(part("segments"), ...this.segments);
    const anything = make("option", { value: "" }, "nothing: they are only counted");
    show(this.purpose, anything, ...choices.purposes.map(({ purpose, label }) => make("option", { value: purpose }, label)));
    part("consent-note").hidden = choices.consent_is_known;
    // A schema may name no purposes.
    this.purpose.closest("fieldset").hidden = choices.purposes.length === 0;
    this.rule.addEventListener("input", () => this.askLater());
    this.purpose.addEventListener("change", () => this.askLater(0));
    part("form").addEventListener("submit", (event) => event.preventDefault());
    prepareClause(choices.fields, (word, clause) => this.add(word, clause));
    showFields(choices.fields);
    this.kept = new KeptAudiences(choices, () => this.definition(), (audience) => this.open(audience));
    this.ask();
  }

  definition() {
    const segments = this.segments.filter((one) => one.getAttribute("aria-pressed") === "true").map((one) => one.value);
    return { segments, rule: this.rule.value, purpose: this.purpose.value };
  }

  open({ segments, rule, purpose }) {
    for (const button of this.segments) button.setAttribute("aria-pressed", String(segments.includes(button.value)));
    this.rule.value = rule;
    this.purpose.value = purpose;
    this.askLater(0);
  }

  /** Add a comparison to the rule: what was there stays together. */
  add(word, clause) {
    const before = this.rule.value.trim();
    // A rule may have several lines.
    const isMixed = word === "and" ? /\bor\b/i.test(before) : /\band\b/i.test(before);
    const together = isMixed && before ? `(${before})` : before;
    this.rule.value = together ? `${together} ${word} ${clause}` : clause;
    this.askLater(0);
  }

  askLater(pause = PAUSE) {
    clearTimeout(this.waiting);
    clearTimeout(this.telling);
    this.waiting = setTimeout(() => this.ask(), pause);
  }

  /** Ask for the count; a request that is still at work is given up, which ends it on the server. */
  async ask() {
    this.asking?.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.more.setAttribute("aria-busy", "true");
    clearTimeout(this.slow);
    this.slow = setTimeout(() => show(this.line, "Counting."), SLOW);
    try {
      const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(this.definition()), signal };
      const counted = await (await ask("v1/audiences/count", request)).json();
      if (signal.aborted) return;
      markInput(this.rule, this.wrong, "");
      this.say(counted);
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) this.refuse(error);
    } finally {
      if (!signal.aborted) {
        clearTimeout(this.slow);
        this.more.removeAttribute("aria-busy");
      }
    }
  }

  refuse(error) {
    const wrong = error.errors?.find(({ path }) => path === "$.rule");
    this.telling = setTimeout(() => {
      if (wrong) markInput(this.rule, this.wrong, sentence(wrong.problem));
      this.line.classList.add("problem");
      show(this.line, wrong ? "The rule is wrong: see beside it." : error.message);
      show(this.more);
    }, wrong ? PATIENCE : 0);
    if (error.status === 503 || error.status === 429) this.askLater(BUSY);
  }

  say(counted) {
    this.line.classList.remove("problem");
    const of = counted.customers ? ` (${percent(counted.audience / counted.customers)})` : "";
    show(this.line, make("strong", {}, count(counted.audience)), ` of ${count(counted.customers)} customers${of}.`);
    const purpose = this.choices.purposes.find((one) => one.purpose === this.purpose.value);
    const left = [
      purpose && [`No consent to ${purpose.label}`, counted.without_consent],
      purpose && counted.never > 0 && ["Never to be contacted", counted.never],
      this.rule.value.trim() && ["Unknown, for a missing value", counted.unknown],
    ].filter(Boolean);
    const rows = counted.segments.map(({ segment, customers, audience }) => {
      const name = this.names[segment] ?? segment;
      const share = customers ? audience / customers : 0;
      return [name, make("td", { class: "number" }, `${count(audience)} of ${count(customers)}`, bar(share, `${percent(share)} of ${name}`))];
    });
    show(
      this.more,
      left.length ? make("h3", {}, "Left out") : null,
      left.length ? make("dl", {}, ...left.flatMap(([why, number]) => [make("dt", {}, why), make("dd", {}, count(number))])) : null,
      purpose ? make("p", { class: "note" }, make("small", {}, `Consent as of ${day(counted.day)}.`)) : null,
      table("By segment", [["Segment"], ["Customers", "number"]], rows),
    );
  }
}

const sentence = (text) => capital(text) + (text.endsWith("?") ? "" : ".");

function showFields(fields) {
  const rows = fields.map(({ name, label, unit, values }) => {
    const allowed = values.length ? values.map(({ value }) => `"${value}"`).join(", ") : unit;
    return [make("span", {}, make("code", {}, name), make("small", {}, label)), make("td", {}, allowed)];
  });
  const all = table("What a rule may name", [["In a rule"], ["Values, or unit"]], rows);
  show(document.getElementById("audience-fields"), scrolling("Fields of a rule", all));
}
