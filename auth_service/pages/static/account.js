// One's own account: name and language, address, sign-ins, and its end.
import { offerChange } from "./address.js";
import { call } from "./api.js";
import { ask } from "./dialogs.js";
import { busy, find, invalid, ready, refused, tell, valid } from "./screen.js";
import { showSessions } from "./sessions.js";
import { _ } from "./words.js";

function showOwn({ name, email }) {
  for (const place of document.querySelectorAll("[data-own-name]")) place.textContent = name;
  for (const place of document.querySelectorAll("[data-own-address]")) place.textContent = email;
  document.querySelector("#menu summary").setAttribute("aria-label", _("Your account: %(name)s", { name }));
  document.querySelector("#menu .initial").textContent = [...(name || email)][0].toUpperCase();
}

let language = find("locale").value;

async function save() {
  const name = find("name");
  const locale = find("locale");
  valid(name);
  const answer = await call("PATCH", "/v1/me", { name: name.value, locale: locale.value });
  if (!answer.ok) return refused(answer, { name });
  showOwn(answer);
  name.value = answer.name;
  if (answer.locale !== language) return window.location.reload(); // the whole page speaks it from now on
  language = answer.locale;
  return tell(_("Saved."), { good: true });
}

async function leave() {
  const typed = find("typed-address");
  const at = find("farewell-message");
  valid(typed);
  const own = document.querySelector("#menu [data-own-address]").textContent;
  if (typed.value.trim().toLowerCase() !== own.toLowerCase()) {
    invalid(typed, _("This is not your address."), { at });
    return false;
  }
  const answer = await call("DELETE", "/v1/me");
  if (answer.ok) window.location.replace("/login");
  else refused(answer, {}, { at });
  return answer.ok;
}

find("profile").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(find("save"), save);
});
find("delete").addEventListener("click", () => {
  find("typed-address").value = "";
  valid(find("typed-address"));
  ask("farewell", leave);
});
offerChange(showOwn);
showSessions();
ready();
