// Requests to the server, with the API key, and what its refusals mean.

const STORED_KEY = "segmentation-key";
// Milliseconds: a browser may ask where to save a file.
const KEPT = 60_000;
const MEANINGS = {
  401: "This server asks for an API key, and none was given.",
  403: "This key may not do that: ask for one with the right role.",
  404: "The server knows nothing of it.",
  408: "The connection is too slow: try again.",
  413: "That is too large for this server.",
  415: "The server does not take this kind of file.",
  500: "The server failed: see its log.",
  502: "The server does not answer the proxy in front of it: try again in a moment.",
  504: "The server does not answer the proxy in front of it: try again in a moment.",
  503: "The server is busy or restarting: try again in a moment.",
};
const AWAY = "The server does not answer. Is it running, and is this computer online? Try again.";

/** A refusal in plain words; `errors` are the wrong fields of a customer. */
export class Refusal extends Error {
  constructor(message, status = 0, errors = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** Whether a key is known in this tab. */
export const hasKey = () => sessionStorage.getItem(STORED_KEY) !== null;

/** Save a response as a file of this name. */
export async function save(response, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}

/**
 * Request a path, relative to the page, with the key of this tab; asks the user for a key if the server needs one.
 * Returns a successful response, or throws a Refusal.
 */
export async function ask(path, options = {}) {
  let response = await send(path, options);
  while (response.status === 401) {
    const sent = sessionStorage.getItem(STORED_KEY);
    const reason = sent ? "The server does not know this key." : "This server asks for an API key.";
    if (!(await askForKey(reason))) throw new Refusal(MEANINGS[401], 401);
    response = await send(path, options);
  }
  if (response.ok) return response;
  throw await refusal(response);
}

async function send(path, options) {
  const key = sessionStorage.getItem(STORED_KEY);
  const authorization = key ? { Authorization: `Bearer ${key}` } : {};
  const headers = { ...authorization, ...options.headers };
  try {
    return await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(AWAY);
  }
}

async function refusal(response) {
  const told = await response.json().catch(() => ({}));
  const wait = response.headers.get("Retry-After");
  const delay = wait === "1" ? "a second" : `${wait} seconds`;
  if (response.status === 429) {
    return new Refusal(`Too many requests: try again${wait ? ` in ${delay}` : " later"}.`, 429);
  }
  const meaning = MEANINGS[response.status] ?? "The server refuses this.";
  const detail = told.detail && response.status !== 401 ? ` It says: ${told.detail}.` : "";
  return new Refusal(meaning + detail, response.status, told.errors ?? []);
}

let asking = null;

// Several requests may need the key at once: one dialog serves them all.
function askForKey(reason) {
  asking ??= openDialog(reason).finally(() => {
    asking = null;
  });
  return asking;
}

function openDialog(reason) {
  const dialog = document.getElementById("key-dialog");
  const form = document.getElementById("key-form");
  const input = document.getElementById("key");
  document.getElementById("key-reason").textContent = reason;
  input.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const events = new AbortController();
    const listen = (element, name, action) => element.addEventListener(name, action, { signal: events.signal });
    listen(form, "submit", (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      sessionStorage.setItem(STORED_KEY, input.value.trim());
      dialog.close("given");
    });
    listen(document.getElementById("key-cancel"), "click", () => dialog.close("cancelled"));
    listen(dialog, "close", () => {
      events.abort();
      resolve(dialog.returnValue === "given");
      dialog.returnValue = "";
    });
  });
}
