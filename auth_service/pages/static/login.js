// Registering and signing in: an address, then the code from the mail. All that decides is the server's answer.
import { call } from "./api.js";
import { busy, find, tell } from "./screen.js";

const registering = document.querySelector("main").dataset.registering === "yes";
const views = {
  start: find("start-form"), code: find("code-form"), waiting: find("waiting"), in: find("signed-in"),
};
const first = registering ? "Register" : "Sign in";
const headings = { start: first, code: "Check your mail", waiting: "Almost there", in: "Welcome" };
const KEPT = "porter.challenge"; // survives a reload, as when a phone switches to the mail and back

// Where there is nothing to type, the heading tells what has come about.
function show(name, focus = find("heading")) {
  for (const [view, element] of Object.entries(views)) element.hidden = view !== name;
  find("heading").textContent = headings[name];
  document.title = `${headings[name]} · Porter`;
  focus.focus();
}

function keep(challenge) {
  try {
    if (challenge) sessionStorage.setItem(KEPT, JSON.stringify(challenge));
    else sessionStorage.removeItem(KEPT);
  } catch { /* storage may be forbidden; then a reload starts again */ }
}

function kept() {
  try {
    const challenge = JSON.parse(sessionStorage.getItem(KEPT));
    return challenge && Date.parse(challenge.expires_at) > Date.now() ? challenge : null;
  } catch {
    return null;
  }
}

let challenge = kept();

function invalid(field, sentence) {
  field.setAttribute("aria-invalid", "true");
  tell(sentence);
  field.focus();
}

function language() {
  const [tongue] = (navigator.language || "en").split("-");
  return tongue === "pt" ? "pt_BR" : tongue;
}

function askForCode() {
  find("sent-to").textContent = challenge.email;
  find("code").value = "";
  show("code", find("code"));
}

async function start() {
  const email = find("email");
  const name = find("name");
  for (const field of [name, email]) if (field) field.removeAttribute("aria-invalid");
  const sent = { email: email.value };
  if (registering) Object.assign(sent, { name: name.value, locale: language() });
  const answer = await call("POST", registering ? "/v1/registrations" : "/v1/login/challenges", sent);
  if (!answer.ok) {
    const wrong = answer.errors?.[0];
    const field = wrong && { email, name }[wrong.field];
    if (!field) return tell(answer.detail);
    const label = field.labels[0].textContent;
    return invalid(field, `${label}: ${wrong.message}`);
  }
  challenge = { id: answer.challenge_id, email: email.value.trim(), expires_at: answer.expires_at };
  keep(challenge);
  tell("");
  askForCode();
}

// Whether a refusal ends the challenge: no code answers it any more, or the right one has.
function isSpent({ code }) {
  return code === "challenge_closed" || code === "invalid_code" || Boolean(code?.startsWith("account_"));
}

async function verify() {
  const code = find("code");
  code.removeAttribute("aria-invalid");
  const answer = await call("POST", `/v1/login/challenges/${challenge.id}/verify`, { code: code.value });
  if (answer.ok) {
    keep(null);
    find("who").textContent = answer.user.name;
    find("who-email").textContent = answer.user.email;
    find("to-admin").hidden = answer.user.role !== "admin";
    tell("");
    return show("in");
  }
  if (answer.code === "invalid_request") return invalid(code, `Code: ${answer.errors[0].message}`);
  if (answer.code === "invalid_code" && answer.attempts_left > 0) {
    code.select();
    return invalid(code, answer.detail);
  }
  // Whatever else went wrong leaves the challenge open: the same code may be sent again.
  if (!isSpent(answer)) return tell(answer.detail);
  keep(null);
  tell(answer.detail, { good: answer.code === "account_pending" });
  if (answer.code === "account_pending") return show("waiting");
  show("start", find("email"));
}

async function signOut() {
  const answer = await call("DELETE", "/v1/sessions/current");
  if (!answer.ok && answer.code !== "unauthenticated") return tell(answer.detail);
  tell("You are signed out.", { good: true });
  show("start", find("email"));
}

views.start.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(find("start"), start);
});
views.code.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(find("verify"), verify);
});
find("again").addEventListener("click", () => {
  keep(null);
  tell("");
  show("start", find("email"));
});
find("sign-out").addEventListener("click", () => busy(find("sign-out"), signOut));

if (views.in.hidden) {
  if (challenge) askForCode();
  else (find("name") || find("email")).focus();
}
