// What a page shows while it works: one message for everyone, and buttons that do nothing twice.
import { _, sentenceOf } from "./words.js";

export const find = (id) => document.getElementById(id);

export function tell(sentence, { good = false, at = find("message") } = {}) {
  at.className = good ? "message good" : "message bad";
  at.textContent = sentence;
}

// Mark a field as wrong, say why beside it, and lead there.
export function invalid(field, sentence, { at = find("message") } = {}) {
  if (!field.dataset.describedby) field.dataset.describedby = field.getAttribute("aria-describedby") ?? " ";
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${at.id} ${field.dataset.describedby}`.trim());
  tell(sentence, { at });
  field.focus();
}

export function valid(...fields) {
  for (const field of fields) {
    field.removeAttribute("aria-invalid");
    if (field.dataset.describedby?.trim()) field.setAttribute("aria-describedby", field.dataset.describedby);
    else if (field.dataset.describedby) field.removeAttribute("aria-describedby");
  }
}

// Tell what the server refused: at its field where there is one, else for the whole. Whoever is signed out by
// now is shown the way in, and back to here.
export function refused(answer, fields = {}, { at = find("message") } = {}) {
  const field = answer.code === "invalid_request" ? fields[answer.errors?.[0]?.field] : undefined;
  if (field) invalid(field, sentenceOf(answer), { at });
  else tell(sentenceOf(answer), { at });
  if (answer.code !== "unauthenticated") return;
  const here = new URLSearchParams({ return_to: window.location.pathname + window.location.search });
  at.append(" ", part("a", { text: _("Sign in"), href: `/login?${here}` }));
}

// Disable a button while its work is under way, so that nothing is sent twice; a keyboard stays where it was.
export async function busy(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
    if (document.activeElement === document.body && button.isConnected) button.focus();
  }
}

// Let buttons be pressed that do nothing without their script.
export function ready() {
  for (const button of document.querySelectorAll("[data-scripted]")) button.disabled = false;
}

// Make a part of a list. Text only ever becomes text: names are strangers' words.
export function part(tag, { className, text, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  Object.assign(element, properties);
  element.append(...children.filter((child) => child));
  return element;
}

export function button(className, text, label, work) {
  const made = part("button", { className, text, type: "button" });
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", () => work(made));
  return made;
}

// Make a line of a sentence whose %(places)s are elements.
export function phrase(className, sentence, places) {
  const pieces = sentence.split(/%\((\w+)\)s/); // every other one is a place's name
  return part("p", { className }, ...pieces.map((piece, at) => (at % 2 ? places[piece] : piece)));
}
