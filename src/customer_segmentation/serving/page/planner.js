// The campaign that was planned last, planned again after each change of the form.

import { curveFigure } from "./curve.js";
import { bar, make, problem, scrolling, show, table, whenNear } from "./elements.js";
import { PlanForm } from "./planform.js";
import { ask, save } from "./server.js";
import { amount, capital, count, day, label, percent, spoken } from "./words.js";

// Milliseconds after the last change.
const PAUSE = 120;
const BUSY = 1000;
// The header that says which run planned the campaign.
const STATE = "Campaign-State";
const POLICIES = {
  plan: "This plan",
  everybody: "Contact everybody",
  segments: "Contact whole segments that pay",
  random: "As many, drawn by chance",
  nobody: "Contact nobody",
};

/** Load the section once it is nearly in sight; `names` are the segments' names by key. */
export function preparePlanner(names) {
  whenNear("campaign", () => load(names));
}

async function load(names) {
  const message = document.getElementById("plan-message");
  try {
    const response = await ask("v1/campaign");
    const campaign = await response.json();
    new Planner(campaign, names, response.headers.get(STATE));
    message.textContent = about(campaign);
    document.getElementById("planner").hidden = false;
  } catch (error) {
    show(message, error.status === 404 ? "No campaign has been planned yet: it takes kedro run --pipeline=campaign_planning." : problem(error.message).firstChild);
    message.className = error.status === 404 ? "" : "problem";
  }
}

function about(campaign) {
  const left = Object.entries(campaign.left_out).map(([why, number]) => `${why} (${count(number)})`);
  const others = left.length ? ` The others: ${left.join(", ")}.` : "";
  return `Campaign ${label(campaign.campaign)} of ${day(campaign.campaign_day)}: ${count(campaign.candidates)} of ${count(campaign.customers)} customers may be contacted.${others}`;
}

class Planner {
  constructor(campaign, names, state) {
    this.campaign = campaign;
    this.names = names;
    this.state = state;
    this.line = document.getElementById("plan-line");
    this.more = document.getElementById("plan-more");
    this.rest = document.getElementById("plan-rest");
    this.form = new PlanForm(campaign, names, () => this.askLater());
    const form = document.getElementById("plan-form");
    form.onsubmit = (event) => event.preventDefault();
    form.onreset = (event) => {
      event.preventDefault();
      this.form.reset();
      this.ask();
    };
    this.download = make("button", { type: "button" }, "Download the list");
    this.download.addEventListener("click", () => this.fetchList());
    this.ask();
  }

  askLater(pause = PAUSE) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.ask(), pause);
  }

  /** Ask for the plan; one request at a time, so that a moving slider does not queue many. */
  async ask() {
    clearTimeout(this.waiting);
    if (this.isAsking) {
      this.isStale = true;
      return;
    }
    this.isAsking = true;
    this.isStale = false;
    this.rest.setAttribute("aria-busy", "true");
    try {
      const plan = await this.answer("plan");
      if (!plan) return;
      this.form.mark([]);
      this.say(await plan.json());
    } catch (error) {
      this.refuse(error);
      if (error.status === 503 || error.status === 429) this.askLater(BUSY);
    } finally {
      this.isAsking = false;
      this.rest.removeAttribute("aria-busy");
    }
    if (this.isStale) this.ask();
  }

  /** An answer for the form; null if the campaign was planned again since, which is then loaded. */
  async answer(part) {
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(this.form.changes()) };
    const response = await ask(`v1/campaign/${part}`, request);
    if (response.headers.get(STATE) === this.state) return response;
    await load(this.names);
    clearTimeout(this.waiting);
    return null;
  }

  async fetchList() {
    this.download.disabled = true;
    try {
      const list = await this.answer("list");
      if (list) await save(list, `${this.campaign.campaign}.csv`);
    } catch (error) {
      this.refuse(error);
    } finally {
      this.download.disabled = false;
    }
  }

  refuse(error) {
    const elsewhere = this.form.mark(error.errors ?? []);
    const isBeside = error.errors?.length > 0;
    show(this.line, isBeside ? ["Some values are wrong: see beside the fields.", ...elsewhere].join(" ") : error.message);
    this.line.classList.add("problem");
    show(this.more);
    show(this.rest);
  }

  say(plan) {
    const { currency } = this.campaign;
    this.line.classList.remove("problem");
    const profit = make("strong", {}, `${amount(plan.expected_profit)} ${currency}`);
    show(this.line, ...(plan.contacted ? [profit, ` expected from ${count(plan.contacted)} ${plan.contacted === 1 ? "contact" : "contacts"}.`] : ["Nobody is contacted."]));
    this.download.disabled = plan.contacted === 0;
    show(this.more, ...this.facts(plan));
    show(this.rest, ...this.parts(plan));
  }

  facts(plan) {
    const { currency, candidates } = this.campaign;
    const share = candidates ? ` (${percent(plan.contacted / candidates)})` : "";
    const facts = [
      ["Contacted", `${count(plan.contacted)} of ${count(candidates)}${share}`],
      ["Cost", `${amount(plan.cost)} ${currency}`],
      ["Answers", amount(plan.expected_answers)],
      ["Held out", `${count(plan.held_out)}, who get nothing, so that the effect can be measured`],
    ];
    const binding = plan.binding.length ? make("ul", {}, ...plan.binding.map((text) => make("li", {}, this.limit(text)))) : null;
    return [
      plan.contacted ? make("p", {}, interval(plan, currency)) : null,
      make("dl", {}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
      binding && make("h3", {}, "What keeps it lower"),
      binding,
      make("div", { class: "buttons" }, this.download),
      make("p", { class: "note" }, make("small", {}, "To deliver this plan and measure what it brings, run the planner with these numbers.")),
    ];
  }

  parts(plan) {
    const { currency } = this.campaign;
    const number = (value) => make("td", { class: "number" }, amount(value));
    const segments = plan.segments.map((part) => {
      const name = this.name(part.segment);
      const share = part.candidates ? part.contacted / part.candidates : 0;
      const drawing = bar(share, `${percent(share)} of ${name} contacted`);
      return [name, make("td", { class: "number" }, `${count(part.contacted)} of ${count(part.candidates)}`, drawing), number(part.expected_profit)];
    });
    const policies = Object.entries(POLICIES).map(([key, name]) => {
      const one = plan.policies.find(({ policy }) => policy === key);
      const known = make("span", {}, name, make("small", {}, ` ${count(one.contacted)}`));
      return [known, number(one.expected_profit), number(one.cheaper), number(one.dearer)];
    });
    return [
      make("h3", {}, "How many to contact"),
      plan.curve.length > 1 ? curveFigure(plan.curve, plan, currency) : null,
      make("h3", {}, "By segment"),
      table(`Contacted, and expected profit in ${currency}`, [["Segment"], ["Contacted", "number"], ["Profit", "number"]], segments),
      make("h3", {}, "Against other ways"),
      scrolling("Other ways", table(`Expected profit in ${currency}, at these costs and at lower and higher ones`, [["What is done (contacts)"], ["Profit", "number"], ["Costs \u221220\u00a0%", "number"], ["Costs +20\u00a0%", "number"]], policies)),
    ];
  }

  name(segment) {
    return this.names[segment] ?? capital(label(segment));
  }

  /** A limit, which the server names by its parameter, in words. */
  limit(text) {
    const [, parameter, rest] = text.match(/^([\w.]+): (.*)$/) ?? [null, "", text];
    const [block, name, side] = parameter.split(".");
    if (block === "shares") return `${capital(side)} of ${this.name(name)}: ${rest}`;
    if (block === "offers") return `${capital(label(name))}${side ? `, ${side}` : ""}: ${rest}`;
    return parameter ? `${capital(spoken(block))}: ${rest}` : text;
  }
}

function interval(plan, currency) {
  const often = `In ${count(Math.round(10 * plan.level))} of 10 such campaigns`;
  return `${often} the profit is from ${amount(plan.low)} to ${amount(plan.high)} ${currency}, if customers answer as the response model says.`;
}
