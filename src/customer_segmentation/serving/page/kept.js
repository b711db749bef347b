// Audiences that are kept by name: saved, opened again, downloaded, as SQL, deleted.

import { make, show } from "./elements.js";
import { markInput } from "./row.js";
import { ask, save } from "./server.js";
import { capital, day } from "./words.js";

const DIALECTS = { athena: "Athena", redshift: "Redshift", databricks: "Databricks", postgresql: "PostgreSQL", duckdb: "DuckDB", spark: "Spark" };

/** The list, and the field that saves to it; `open` is called with an audience to show. */
export class KeptAudiences {
  constructor(choices, definition, open) {
    this.choices = choices;
    this.definition = definition;
    this.open = open;
    this.all = choices.audiences;
    const part = (name) => document.getElementById(`audience-${name}`);
    [this.name, this.wrong, this.said, this.list, this.sql] = ["name", "name-problem", "said", "kept", "sql"].map(part);
    part("save").addEventListener("click", () => this.keep());
    this.name.addEventListener("keydown", (event) => event.key === "Enter" && this.keep());
    this.show();
  }

  async keep() {
    const name = this.name.value.trim().toLowerCase().replaceAll(" ", "-");
    markInput(this.name, this.wrong, "");
    // The address of counts has that name.
    if (!/^(?!count$)[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
      markInput(this.name, this.wrong, "Give a name of letters, digits, - and _, other than count.");
      this.name.focus();
      return;
    }
    await this.try(async () => {
      const request = { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(this.definition()) };
      const kept = await (await ask(`v1/audiences/${name}`, request)).json();
      this.all = [...this.all.filter((one) => one.name !== name), kept].sort((a, b) => (a.name < b.name ? -1 : 1));
      this.name.value = name;
      this.show();
      return `${name} is kept, as version ${kept.version}.`;
    });
  }

  async remove({ name }) {
    if (!window.confirm(`Delete the audience ${name}? Its versions stay on the server.`)) return;
    await this.try(async () => {
      await ask(`v1/audiences/${name}`, { method: "DELETE" });
      this.all = this.all.filter((one) => one.name !== name);
      this.show();
      this.name.focus();
      return `${name} is deleted.`;
    });
  }

  /** Do it, and say what came of it. */
  async try(action) {
    try {
      this.said.textContent = (await action()) ?? "";
      this.said.className = "";
    } catch (error) {
      this.said.textContent = error.message;
      this.said.className = "problem";
    }
  }

  show() {
    const cards = this.all.map((audience) => {
      const { name, version, at, by } = audience;
      const about = make("p", {}, make("small", {}, `Version ${version}, of ${day(at)}, by ${by}`));
      return make("li", { class: "card" }, make("h4", {}, name), ...this.words(audience), about, make("div", { class: "buttons" }, ...this.buttons(audience)));
    });
    const none = make("p", {}, "None yet. Give the audience above a name to keep it.");
    show(this.list, cards.length ? make("ul", { class: "jobs", "aria-label": "Audiences that are kept" }, ...cards) : none);
    show(this.sql);
  }

  words({ segments, rule, purpose }) {
    const name = (key) => this.choices.segments.find(({ value }) => value === key)?.label ?? key;
    const agreed = this.choices.purposes.find((one) => one.purpose === purpose);
    const parts = [segments.length ? segments.map(name).join(" or ") : "all segments", agreed ? `agreed to ${agreed.label}` : ""];
    return [make("p", {}, capital(parts.filter(Boolean).join(", "))), rule ? make("p", {}, make("code", {}, rule)) : null];
  }

  buttons(audience) {
    const { name } = audience;
    const button = (text, action) => {
      const made = make("button", { type: "button", class: "quiet", "aria-label": `${text}, ${name}` }, text);
      made.addEventListener("click", action);
      return made;
    };
    const load = async () => {
      await save(await ask(`v1/audiences/${name}/customers`), `${name}.csv`);
      return `The customers of ${name} are downloaded.`;
    };
    const open = () => {
      this.name.value = name;
      this.open(audience);
      document.getElementById("audience").scrollIntoView();
      document.getElementById("audience-rule").focus({ preventScroll: true });
    };
    return [button("Open", open), button("Download", () => this.try(load)), button("SQL", () => this.compile(name)), button("Delete", () => this.remove(audience))];
  }

  /** Show the query of an audience, for an engine of the reader's choice. */
  async compile(name) {
    const choice = make("select", { id: "audience-dialect" }, ...Object.entries(DIALECTS).map(([key, words]) => make("option", { value: key }, words)));
    const text = make("pre", { tabindex: 0, role: "region", "aria-label": `SQL of ${name}` });
    const fill = () =>
      this.try(async () => {
        const asked = choice.value;
        const told = await (await ask(`v1/audiences/${name}/sql?dialect=${asked}`)).text();
        // Answers may overtake each other.
        if (asked === choice.value) text.textContent = told;
      });
    choice.addEventListener("change", fill);
    show(this.sql, make("h3", {}, `${name} as SQL`), make("div", { class: "row" }, make("label", { for: "audience-dialect" }, "For"), choice), text);
    await fill();
    choice.focus();
  }
}
