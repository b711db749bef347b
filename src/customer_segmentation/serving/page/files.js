// Files of customers: sent as jobs, polled until they end, downloaded.

import { prepareDrop, suffixOf, TYPES, UNKNOWN_KIND } from "./drop.js";
import { make, show } from "./elements.js";
import { ask, hasKey, save } from "./server.js";
import { capital, count, percent } from "./words.js";

const SECOND = 1000;
const KNOWN = "segmentation-jobs";
const ENDED = new Set(["done", "failed", "cancelled"]);
const STATES = { queued: "waiting", running: "being scored", done: "done", failed: "failed", cancelled: "cancelled" };
// What passes: the server or a proxy in front of it is away or busy, while the job goes on.
const PASSING = new Set([0, 429, 502, 503, 504]);

/** Set up the drop zone, and show the files that this tab sent before. */
export function prepareFiles() {
  prepareDrop("drop", "chosen", post);
  for (const [id, name] of Object.entries(known())) new Row(name).follow(id);
}

async function post(file) {
  const type = TYPES[suffixOf(file)];
  const message = document.getElementById("file-message");
  if (!type) {
    message.textContent = `${file.name} cannot be scored: ${UNKNOWN_KIND}`;
    return;
  }
  message.textContent = "";
  const row = new Row(file.name);
  try {
    const response = await ask("v1/jobs", { method: "POST", headers: { "Content-Type": type }, body: file });
    const job = await response.json();
    sessionStorage.setItem(KNOWN, JSON.stringify({ ...known(), [job.id]: file.name }));
    row.follow(job.id);
  } catch (error) {
    row.say(error.message, true);
  }
}

function known() {
  return JSON.parse(sessionStorage.getItem(KNOWN) ?? "{}");
}

function forget(id) {
  const { [id]: _, ...others } = known();
  sessionStorage.setItem(KNOWN, JSON.stringify(others));
}

/** One file on the page. */
class Row {
  constructor(name) {
    this.name = name;
    this.bar = make("progress", { max: 1, "aria-label": `Progress of ${name}` });
    this.line = make("p", { role: "status" }, "Being sent.");
    // Made once: a click or the focus on a button that is replaced by each poll would be lost.
    this.buttons = make("div", { class: "buttons" });
    this.canceller = this.button("Cancel", () => this.cancel());
    this.item = make("li", { class: "card" }, make("h3", {}, name), this.bar, this.line, this.buttons);
    document.getElementById("jobs").prepend(this.item);
  }

  /** Poll the job each second until it has ended. */
  async follow(id) {
    this.id = id;
    if (!this.buttons.firstChild) show(this.buttons, this.canceller);
    try {
      const job = await (await ask(`v1/jobs/${id}`)).json();
      this.tell(job);
      if (!ENDED.has(job.state)) setTimeout(() => this.follow(id), SECOND);
    } catch (error) {
      this.say(error.status === 404 ? "The server has removed this file." : error.message, true);
      if (error.status === 404) forget(id);
      if (PASSING.has(error.status)) setTimeout(() => this.follow(id), 5 * SECOND);
    }
  }

  tell(job) {
    this.bar.value = job.state === "done" ? 1 : job.progress;
    const rows = `${count(job.rows_done)} rows, of which ${count(job.rows_rejected)} rejected`;
    const why = job.message ? ` ${job.message}` : "";
    const far = job.state === "running" ? ` (${percent(job.progress)})` : "";
    this.say(`${capital(STATES[job.state] ?? job.state)}${far}: ${rows}.${why}`, job.state === "failed");
    if (!ENDED.has(job.state)) return;
    this.bar.hidden = job.state !== "done";
    if (job.state === "done") this.offerDownloads(job);
    else show(this.buttons);
  }

  offerDownloads(job) {
    const results = this.button("Download results", () => this.download("results"));
    const rejected = job.rows_rejected ? this.button("Download rejected rows", () => this.download("rejected")) : null;
    show(this.buttons, results, rejected);
  }

  async cancel() {
    try {
      await ask(`v1/jobs/${this.id}`, { method: "DELETE" });
    } catch (error) {
      this.say(error.message, true);
    }
  }

  async download(part) {
    const path = `v1/jobs/${this.id}/${part}`;
    const suffix = this.name.slice(this.name.lastIndexOf("."));
    const name = `${this.name.slice(0, -suffix.length)}-${part}${suffix}`;
    if (!hasKey()) {
      make("a", { href: path, download: name }).click();
      return;
    }
    // A plain link would send no key.
    try {
      await save(await ask(path), name);
    } catch (error) {
      this.say(error.message, true);
    }
  }

  button(text, action) {
    const made = make("button", { type: "button", class: "quiet" }, text);
    made.setAttribute("aria-label", `${text}, ${this.name}`);
    made.addEventListener("click", action);
    return made;
  }

  say(text, isWrong = false) {
    // Only changed text, so that a screen reader does not repeat it.
    if (this.line.textContent !== text) this.line.textContent = text;
    this.line.className = isWrong ? "problem" : "";
  }
}
