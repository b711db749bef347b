// Customers who move between segments while a stream runs: asked for each second, and held on request.

import { bar, make, show } from "./elements.js";
import { ask } from "./server.js";
import { capital, count, percent, spoken } from "./words.js";

const SECOND = 1000;
const ROWS = 8;
// Without a stream, whether there is one by now is asked seldom.
const SELDOM = 20;
const SPOKEN = 15;
const CAUSES = { data: "what they did", model: "a new model", both: "what they did, and a new model", entered: "a new customer", left: "nothing left that counts", unknown: "cause unknown" };

/** Show the section once there are moves. */
export function prepareLive() {
  new Live().look();
}

class Live {
  constructor() {
    this.section = document.getElementById("live");
    this.link = document.getElementById("live-link");
    this.pause = document.getElementById("live-pause");
    this.state = document.getElementById("live-state");
    this.movers = [];
    this.moved = 0;
    // Customers of each segment when the page was opened.
    this.before = null;
    // Whoever asks for less motion starts it themselves.
    this.isHeld = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.pause.addEventListener("click", () => this.hold(!this.isHeld));
  }

  hold(isHeld) {
    this.isHeld = isHeld;
    this.pause.textContent = isHeld ? "Go on" : "Pause";
    this.say(isHeld ? "Held: nothing changes until you go on." : "Following.");
    if (!isHeld) this.look();
  }

  async look() {
    clearTimeout(this.next);
    const isSeen = !document.hidden && !this.isRead();
    if (isSeen && !(this.isHeld && this.last)) await this.ask();
    if (!this.isHeld || !this.last) this.next = setTimeout(() => this.look(), (this.last ? 1 : SELDOM) * SECOND);
  }

  // A list that changes under the pointer cannot be read.
  isRead() {
    // On a touch screen, what was tapped last counts as pointed at.
    return matchMedia("(hover: hover)").matches && document.getElementById("live-movers").matches(":hover");
  }

  async ask() {
    try {
      const response = await ask(`v1/moves${this.last ? `?after=${this.last}` : ""}`);
      const told = await response.json();
      this.tell(told, new Date(response.headers.get("Date") ?? Date.now()));
    } catch (error) {
      // Before the first move the page says nothing of it.
      if (error.status !== 404) this.say(error.message);
    }
  }

  tell(told, now) {
    const isFirst = !this.last;
    if (!isFirst) this.moved += told.moves.length + told.left_out;
    this.last = told.last;
    this.movers = [...told.moves, ...this.movers].slice(0, ROWS);
    this.before ??= Object.fromEntries(told.segments.map(({ segment, customers }) => [segment, customers]));
    this.showSegments(told.segments);
    const list = document.getElementById("live-movers");
    show(list, ...this.movers.map((move) => mover(move, now)));
    // It never shrinks, so that what is below stays where it is.
    list.closest(".card").style.minHeight = `${list.closest(".card").offsetHeight}px`;
    if (!isFirst) {
      this.speak();
      return;
    }
    this.section.hidden = this.link.hidden = false;
    this.hold(this.isHeld);
  }

  showSegments(segments) {
    const all = Math.max(1, segments.reduce((sum, { customers }) => sum + customers, 0));
    show(document.getElementById("live-segments"), ...segments.map((segment) => this.segment(segment, all)));
  }

  segment({ segment, segment_name: name, customers }, all) {
    const change = customers - (this.before[segment] ?? 0);
    const sign = change > 0 ? "+" : "\u2212";
    const since = change === 0 ? "" : `${sign}${count(Math.abs(change))}`;
    const label = `${name}: ${percent(customers / all)} of customers`;
    return make(
      "tr", {}, make("th", { scope: "row" }, name), make("td", { class: "drawn" }, bar(customers / all, label)),
      make("td", { class: "number" }, count(customers)), make("td", { class: "number" }, since),
    );
  }

  // Seldom, so that a screen reader can end its sentence.
  speak() {
    if (!this.moved) return;
    if (this.spoken && Date.now() - this.spoken < SPOKEN * SECOND) return;
    this.spoken = Date.now();
    const time = new Date().toLocaleTimeString("en-GB");
    this.say(`At ${time}, ${count(this.moved)} had moved since you opened this page.`);
  }

  say(text) {
    if (this.state.textContent !== text) this.state.textContent = text;
  }
}

function mover(move, now) {
  const seconds = Math.max(0, Math.round((now - new Date(move.recorded_at)) / SECOND));
  const from = move.cause === "entered" ? "New" : move.from_name;
  const to = move.cause === "left" ? "no customer any more" : move.to_name;
  const why = capital(CAUSES[move.cause] ?? spoken(move.cause));
  const told = make("td", {}, from, make("br"), "\u2192 ", make("strong", {}, to), make("br"), make("small", {}, `${why}, ${ago(seconds)}`));
  return make("tr", {}, make("th", { scope: "row" }, move.customer_id), told);
}

function ago(seconds) {
  if (seconds < 2) return "now";
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${count(seconds / 60)} min ago`;
  return seconds < 172800 ? `${count(seconds / 3600)} h ago` : `${count(seconds / 86400)} days ago`;
}
