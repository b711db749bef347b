// Numbers and names in plain words.

// Name -> what people call it, as the server tells.
let labels = {};
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const signed = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1, signDisplay: "exceptZero" });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A count with thousands separators. */
export const count = (number) => whole.format(number);

/** A mean: whole from 100 on, else with one decimal. */
export const amount = (number) => (Math.abs(number) >= 100 || Number.isInteger(number) ? whole : fine).format(number);

/** A number with its sign. */
export const withSign = (number) => signed.format(number);

/** A number in few signs, such as 12.5K, for the side of a drawing. */
export const short = (number) => compact.format(number);

/** A share of 1 in percent, never rounded to 0 or 100. */
export function percent(share) {
  const points = 100 * share;
  if (points > 0 && points < 1) return "under 1\u00a0%";
  if (points > 99 && points < 100) return "over 99\u00a0%";
  return `${whole.format(points)}\u00a0%`;
}

/** Use the labels of the server's bundle. */
export function useLabels(bundle) {
  labels = bundle.labels;
}

/** A field, a feature, an answer or an answer's value in a sentence. */
export const label = (name) => labels[name] ?? spoken(name);

/** An identifier with spaces. */
export const spoken = (name) => name.replaceAll("_", " ");

/** With a capital first letter. */
export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** A field, a feature or an answer at the start of a line. */
export const feature = (name) => capital(label(name));

/** A day as 30 June 2014. */
export function day(iso) {
  const options = { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };
  const date = new Date(`${iso.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(date.valueOf()) ? iso : date.toLocaleDateString("en-GB", options);
}

/** The smallest change as a sentence. */
export function smallestChange(change, segment) {
  if (!change || change === "none") return `No change of a single one of these would make this customer ${segment}.`;
  const size = Math.abs(change.change);
  const more = change.change > 0;
  const would = `would make this customer ${segment}.`;
  const many = label(change.field);
  if (many.startsWith("spend ")) {
    return `Spending ${count(size)} ${more ? "more" : "less"} ${many.replace("spend ", "")} ${would}`;
  }
  return `${count(size)} ${more ? "more" : "fewer"} ${size === 1 ? many.replace("s ", " ") : many} ${would}`;
}

/** What to send, about what and where, as a sentence. */
export function advice(answer) {
  if (!answer.offer) return "";
  const about = answer.product ? `, with ${label(answer.product)} first` : "";
  const where = answer.channel ? `, through ${label(answer.channel)}` : "";
  return `Offer ${label(answer.offer)}${about}${where}.`;
}

/** How firmly a customer belongs, in words. */
export function firmness(margin) {
  if (margin < 0.1) return "on the border";
  if (margin < 0.4) return "loosely";
  return margin < 0.7 ? "clearly" : "firmly";
}
