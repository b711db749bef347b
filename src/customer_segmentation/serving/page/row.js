// A form's row: a label, a slider and a number that are kept in sync, and what is wrong with it.

import { make } from "./elements.js";

/**
 * A row for an input that has an id; `slider` may be null. `changed` is called after each change.
 * Where `end` is given, the slider's right end stands for it: a number of no limit is "".
 */
export function makeRow(title, input, slider, changed, end = null) {
  const message = make("p", { id: `${input.id}-problem`, class: "field-problem", role: "alert" });
  input.setAttribute("aria-describedby", message.id);
  input.addEventListener("input", () => {
    if (slider) follow(slider, input.value, end);
    changed();
  });
  slider?.addEventListener("input", () => {
    input.value = end !== null && slider.value === slider.max ? end : slider.value;
    follow(slider, input.value, end);
    changed();
  });
  return { element: make("div", { class: "field" }, title, slider, input, message), message };
}

/** Put a number into a row's inputs. */
export function setRow(input, slider, value, end = null) {
  input.value = value ?? "";
  if (slider) follow(slider, input.value, end);
}

/** Tell what is wrong with an input beside it, or, with "", that nothing is. */
export function markInput(input, message, text) {
  if (message.textContent !== text) message.textContent = text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function follow(slider, value, end) {
  const isEnd = end !== null && value === end;
  if (isEnd) slider.value = slider.max;
  else if (value !== "") slider.value = value;
  if (isEnd) slider.setAttribute("aria-valuetext", "no limit");
  else slider.removeAttribute("aria-valuetext");
}
