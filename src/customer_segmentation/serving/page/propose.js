// A schema for a file of other columns: proposed by the server, corrected here, downloaded.

import { prepareDrop, suffixOf, TYPES, UNKNOWN_KIND } from "./drop.js";
import { make, scrolling, show } from "./elements.js";
import { ask } from "./server.js";
import { capital } from "./words.js";

const YAML = "application/yaml";
const ENCODINGS = { "": "UTF-8", cp1252: "Windows (cp1252)", "utf-16-le": "UTF-16" };

// The file, and what a person said of it.
let file = null;
let said = {};
let link = "";

/** Set up the drop zone of the form. */
export function prepareProposal() {
  prepareDrop("propose-drop", "propose-chosen", (chosen) => {
    file = chosen;
    said = { kinds: {}, as_of: "", date_format: "", charset: "" };
    propose();
  });
}

async function propose() {
  const [asked, known] = [file, said];
  const type = TYPES[suffixOf(file)];
  const place = document.getElementById("proposal");
  if (!type) {
    place.hidden = true;
    tell(`${file.name} cannot be read: ${UNKNOWN_KIND}`, true);
    return;
  }
  tell("Being read.");
  const query = new URLSearchParams({ name: file.name });
  for (const [header, kind] of Object.entries(said.kinds)) query.append("kind", `${header}=${kind}`);
  for (const name of ["as_of", "date_format"]) if (said[name]) query.set(name, said[name]);
  const charset = said.charset ? `; charset=${said.charset}` : "";
  const headers = { "Content-Type": `${type}${charset}` };
  try {
    const response = await ask(`v1/proposals?${query}`, { method: "POST", headers, body: file });
    const found = await response.json();
    // Another file was chosen meanwhile.
    if (asked !== file || known !== said) return;
    tell(`${found.name}: rows are ${found.rows_are}.${found.questions.length ? " Some things only you can tell." : ""}`);
    show(place, form(found), ...schema(found));
  } catch (error) {
    tell(error.message, true);
    show(place, form(null));
  }
  place.hidden = false;
}

function form(found) {
  const questions = found?.questions.length ? [make("h3", {}, "What only you can tell"), make("ol", {}, ...found.questions.map((text) => make("li", {}, capital(text))))] : [];
  const fields = make(
    "div",
    { class: "row" },
    field("The day that the file is of", "as-of", make("input", { id: "as-of", type: "date", value: said.as_of }), (value) => (said.as_of = value)),
    field("How dates are written", "date-format", make("input", { id: "date-format", value: said.date_format, placeholder: "such as %d/%m/%Y", spellcheck: "false" }), (value) => (said.date_format = value.trim())),
    field("Encoding of text", "charset", select("charset", ENCODINGS, said.charset), (value) => (said.charset = value)),
  );
  const again = make("form", { id: "propose-form", novalidate: true }, ...(found ? [columns(found)] : []), ...questions, fields, make("div", { class: "buttons" }, make("button", {}, "Propose again")));
  again.addEventListener("submit", (event) => {
    event.preventDefault();
    propose();
  });
  return again;
}

function columns(found) {
  const kinds = Object.fromEntries(found.kinds.map((kind) => [kind, kind === "text" ? "text (not read)" : kind]));
  const rows = found.columns.map((column, place) => {
    const id = `kind-${place}`;
    const kind = select(id, kinds, column.kind);
    kind.setAttribute("aria-label", `Kind of ${column.header || "the column without a name"}`);
    kind.addEventListener("change", () => (said.kinds[column.header] = kind.value));
    const cells = [kind, column.read_as, column.sure, column.remark].map((content) => make("td", {}, content));
    return make("tr", {}, make("th", { scope: "row" }, column.header), ...cells);
  });
  const head = ["Header", "Kind", "Read as", "Certainty", "Remarks"].map((text) => make("th", { scope: "col" }, text));
  const caption = make("caption", {}, "What each column seems to hold");
  return scrolling("Columns", make("table", {}, caption, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
}

function schema(found) {
  URL.revokeObjectURL(link);
  link = URL.createObjectURL(new Blob([found.schema], { type: YAML }));
  const name = `${file.name.split(".")[0].toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "_") || "customers"}.yml`;
  const text = make("pre", { id: "schema", tabindex: 0, "aria-label": "The schema" }, found.schema);
  return [make("h3", {}, "The schema"), make("p", {}, make("a", { id: "schema-link", href: link, download: name }, `Download ${name}`)), text];
}

function field(text, id, input, take) {
  input.addEventListener("change", () => take(input.value));
  return make("label", { for: id }, text, input);
}

function select(id, options, chosen) {
  return make("select", { id }, ...Object.entries(options).map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
}

function tell(text, isWrong = false) {
  const message = document.getElementById("propose-message");
  message.textContent = text;
  message.className = isWrong ? "problem" : "";
}
