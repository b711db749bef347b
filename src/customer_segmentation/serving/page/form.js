// The what-if's form: a slider and a number for each field, kept in sync.

import { make, show } from "./elements.js";
import { makeRow, markInput, setRow } from "./row.js";
import { capital, count, label, spoken } from "./words.js";

const GROUPS = [
  [(bundle) => `Spend in ${bundle.period}`, (field) => field.from_purchases && field.meaning === "money"],
  [() => "Purchases and visits", (field) => field.from_purchases || field.changeable],
  [() => "The customer", () => true],
];

/** A field's name beside its inputs; the group's title says that it is about spend. */
export const fieldLabel = (field) => capital(label(field.name).replace(/^spend on /, ""));

/** What a field accepts, in words, with thousands separators. */
export function accepted(field) {
  if (field.kind !== "number") return field.accepted;
  const minimum = field.meaning === "year" ? field.minimum : count(field.minimum);
  const maximum = field.meaning === "year" ? field.maximum : count(field.maximum);
  return `${field.whole ? "a whole number" : "a number"} from ${minimum} to ${maximum}`;
}

/** The fields that the segmenter needs; `changed` is called after each change. */
export class Form {
  constructor(bundle, changed) {
    this.fields = new Map(bundle.fields.filter((field) => field.needed).map((field) => [field.name, field]));
    this.inputs = new Map();
    this.changed = changed;
    const left = new Set(this.fields.keys());
    const groups = GROUPS.map(([title, belongs]) => {
      const names = [...left].filter((name) => belongs(this.fields.get(name)));
      names.forEach((name) => left.delete(name));
      return names.length ? make("fieldset", {}, make("legend", {}, title(bundle)), ...names.map((name) => this.row(this.fields.get(name), bundle))) : null;
    });
    show(document.getElementById("fields"), ...groups.reverse());
  }

  /** The current record, without empty inputs. */
  record() {
    const given = [...this.inputs].filter(([, { input }]) => input.value !== "");
    return Object.fromEntries(given.map(([name, { input }]) => [name, this.fields.get(name).kind === "number" ? Number(input.value) : input.value]));
  }

  /** Put a record into the inputs. */
  set(record) {
    for (const [name, { input, slider }] of this.inputs) setRow(input, slider, record[name]);
  }

  /** Show each problem beside its field; returns those that belong to none. */
  mark(errors) {
    const found = new Map(errors.map((error) => [error.path.slice(2), error.problem]));
    for (const [name, { input, message }] of this.inputs) {
      const wrong = found.get(name);
      found.delete(name);
      markInput(input, message, wrong ? `${capital(wrong)}: give ${accepted(this.fields.get(name))}.` : "");
    }
    return [...found].map(([path, said]) => `${path}: ${said}`);
  }

  row(field, bundle) {
    const id = `field-${field.name}`;
    const title = make("label", { for: id, title: field.description }, fieldLabel(field));
    const input = field.kind === "number" ? number(field, id) : other(field, id);
    const slider = field.kind === "number" ? range(field, bundle) : null;
    const { element, message } = makeRow(title, input, slider, this.changed);
    this.inputs.set(field.name, { input, slider, message });
    return element;
  }
}

function number(field, id) {
  return make("input", { id, type: "number", min: field.minimum, max: field.maximum, step: field.whole ? 1 : "any", inputmode: field.whole ? "numeric" : "decimal" });
}

function other(field, id) {
  if (field.kind !== "category") return make("input", { id, type: field.kind === "date" ? "date" : "text" });
  const options = field.categories.map((category) => make("option", { value: category }, capital(spoken(category))));
  return make("select", { id }, ...options);
}

function range(field, bundle) {
  const [min, max] = sliderRange(field, bundle);
  const fine = 10 ** Math.floor(Math.log10(max / 50));
  const step = field.whole ? 1 : field.meaning === "money" ? Math.max(1, fine) : fine;
  return make("input", { type: "range", min, max, step, "aria-label": `${fieldLabel(field)}, slider` });
}

// Up to twice the typical value, or to the cap above which all values count the same.
function sliderRange(field, bundle) {
  if (field.meaning === "year") return [field.minimum, field.maximum];
  const typical = bundle.segments.map((segment) => segment.customer[field.name] ?? 0);
  const caps = bundle.segments.flatMap((segment) => segment.typical.filter((part) => part.feature === field.name).map((part) => part.cap));
  const max = Math.max(2 * Math.max(...typical), ...caps, field.whole ? 5 : 100);
  const unit = field.whole ? 1 : 10 ** Math.floor(Math.log10(max));
  const least = Math.min(0, 2 * Math.min(...typical));
  return [Math.max(field.minimum ?? least, least), Math.min(Math.ceil(max / unit) * unit, field.maximum ?? Infinity)];
}
