// The what-if: a customer who is scored again after every change.

import { bar, make, show, table, twoSidedBar } from "./elements.js";
import { Form } from "./form.js";
import { ask } from "./server.js";
import { advice, amount, feature, firmness, percent, smallestChange, withSign } from "./words.js";

// Milliseconds after the last change: a moving slider sends few requests, yet feels live.
const PAUSE = 120;

/** The form and its answer. */
export class WhatIf {
  constructor(bundle, names) {
    this.bundle = bundle;
    this.names = names;
    this.line = document.getElementById("verdict-line");
    this.more = document.getElementById("verdict-more");
    this.form = new Form(bundle, () => this.answerLater());
    document.getElementById("what-if-form").addEventListener("submit", (event) => event.preventDefault());
    this.starts = bundle.segments.map((segment) => this.startButton(segment));
    show(document.getElementById("starts"), ...this.starts);
    const [first] = bundle.segments;
    this.form.set(first.customer);
    this.press(first.key);
    this.answer();
  }

  /** Take a segment's typical customer. */
  start(key) {
    this.form.set(this.bundle.segments.find((segment) => segment.key === key).customer);
    this.press(key);
    this.answer();
  }

  press(key) {
    for (const button of this.starts) button.setAttribute("aria-pressed", String(button.dataset.key === key));
  }

  startButton(segment) {
    const button = make("button", { type: "button", class: "quiet", "aria-pressed": "false", "data-key": segment.key }, segment.name);
    button.addEventListener("click", () => this.start(segment.key));
    return button;
  }

  answerLater() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.answer(), PAUSE);
  }

  async answer() {
    clearTimeout(this.waiting);
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const options = { method: "POST", signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify(this.form.record()) };
    try {
      const response = await ask("v1/segments?explain=true", options);
      const answer = await response.json();
      if (signal.aborted) return;
      this.form.mark([]);
      this.say(answer);
    } catch (error) {
      if (signal.aborted) return;
      this.refuse(error);
    }
  }

  refuse(error) {
    const elsewhere = this.form.mark(error.errors ?? []);
    const text = error.status === 422 ? ["Some values are wrong: see beside the fields.", ...elsewhere].join(" ") : error.message;
    this.line.textContent = text;
    this.line.classList.add("problem");
    show(this.more);
  }

  say(answer) {
    this.line.classList.remove("problem");
    const next = this.names[answer.runner_up] ?? answer.runner_up;
    const name = make("strong", {}, answer.segment_name);
    if (answer.margin === undefined) {
      show(this.line, name, ", by the cold-start model: nothing was bought yet.");
      show(this.more, this.probabilities(answer));
      return;
    }
    show(this.line, name, `, ${firmness(answer.margin)}. Next: ${next}.`);
    show(this.more, ...this.parts(answer, next));
  }

  parts(answer, next) {
    const margin = `Margin ${percent(answer.margin)}: 0 is halfway to ${next}, 100 the very centre`;
    return [
      make("p", { class: "margin" }, make("span", {}, `Margin ${percent(answer.margin)}`), bar(answer.margin, margin)),
      answer.offer ? make("p", {}, advice(answer)) : null,
      make("p", { class: "change" }, smallestChange(answer.explanation.smallest_change, next)),
      pulls(answer, next),
    ];
  }

  probabilities(answer) {
    const rows = Object.entries(answer.probabilities ?? {}).map(([key, share]) => {
      const label = `${this.names[key]}: ${percent(share)}`;
      return [this.names[key] ?? key, make("td", { class: "drawn" }, bar(share, label)), make("td", { class: "number" }, percent(share))];
    });
    return table("How likely each segment is", [], rows);
  }
}

function pulls(answer, next) {
  const { pulls: found } = answer.explanation;
  const largest = Math.max(...found.map((part) => Math.abs(part.pull)), 1e-9);
  const rows = found.map((part) => {
    const toward = part.pull < 0 ? next : answer.segment_name;
    const drawing = twoSidedBar(part.pull / largest, `${feature(part.feature)} pulls to ${toward}`);
    const value = make("small", {}, ` ${amount(part.value)}`);
    return [make("span", {}, feature(part.feature), value), make("td", { class: "drawn" }, drawing), make("td", { class: "number" }, withSign(part.pull))];
  });
  const legend = make("p", { class: "legend" }, make("span", { class: "left" }, `left: to ${next}`), make("span", { class: "right" }, `right: to ${answer.segment_name}`));
  return make("div", {}, table("What pulls this customer where", [["Feature", ""], ["", "drawn"], ["Pull", "number"]], rows), legend);
}
