// A zone that files are dropped on or chosen by, and the kinds of files that the server takes.

// Suffix -> media type; each is one of those that the server takes.
export const TYPES = {
  csv: "text/csv",
  tsv: "text/csv",
  txt: "text/csv",
  gz: "application/gzip",
  zip: "application/zip",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
  parquet: "application/vnd.apache.parquet",
};
export const UNKNOWN_KIND = "choose a CSV, an Excel (.xlsx), a JSON lines or a Parquet file, or one of them as .gz or .zip.";

/** The ending of a file's name, in lower case. */
export const suffixOf = (file) => file.name.slice(file.name.lastIndexOf(".") + 1).toLowerCase();

/** Call `take` with each file that is dropped on the zone or chosen by the input. */
export function prepareDrop(zoneId, inputId, take) {
  const zone = document.getElementById(zoneId);
  const chosen = document.getElementById(inputId);
  chosen.accept = Object.keys(TYPES).map((suffix) => `.${suffix}`).join();
  chosen.addEventListener("change", () => {
    [...chosen.files].forEach(take);
    chosen.value = "";
  });
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    [...event.dataTransfer.files].forEach(take);
  });
}
