// Registering and signing in: an address, then the code or link from the mail. What decides is the server's answer.
import { call } from "./api.js";
import { busy, find, invalid, refused, tell, valid } from "./screen.js";
import { leave, watch } from "./waiting.js";
import { _, language, sentenceOf } from "./words.js";

const { registering, onward } = document.querySelector("main").dataset;
const views = { start: find("start-form"), code: find("answer"), waiting: find("waiting") };
const isRegistering = registering === "yes";
const headings = {
  start: isRegistering ? _("Register") : _("Sign in"),
  code: _("Check your mail"),
  waiting: _("Almost there"),
};
const KEPT = "porter.challenge"; // survives a reload, as when a phone switches to the mail and back
const ONWARD = "porter.onward"; // for a link, which opens a page of its own

let challenge = kept();

function show(name, focus = find("heading")) {
  for (const [view, element] of Object.entries(views)) element.hidden = view !== name;
  find("heading").textContent = headings[name];
  document.title = `${headings[name]} · Porter`;
  if (name !== "code") leave();
  focus.focus();
}

function keep(one) {
  try {
    if (one) sessionStorage.setItem(KEPT, JSON.stringify(one));
    else sessionStorage.removeItem(KEPT);
    if (one) localStorage.setItem(ONWARD, JSON.stringify({ onward, until: Date.parse(one.expires_at) }));
    else localStorage.removeItem(ONWARD);
  } catch { /* storage may be forbidden; then a reload starts again */ }
}

function kept() {
  try {
    const one = JSON.parse(sessionStorage.getItem(KEPT));
    const isOurs = one?.registering === registering && one.onward === onward; // asked for on this very page
    return isOurs && Date.parse(one.expires_at) > Date.now() ? one : null;
  } catch {
    return null;
  }
}

function goOn() {
  keep(null);
  window.location.assign(onward);
}

function askForAnswer() {
  const { email, method } = challenge;
  find("sent-to").textContent = email;
  find("code").value = "";
  find("code-form").hidden = method === "magic_link";
  find("link-alone").hidden = method !== "magic_link";
  find("link-too").hidden = method !== "otp_and_link";
  show("code", method === "magic_link" ? find("heading") : find("code"));
  watch(challenge, { ended, changed: askedAgain });
}

function askedAgain(renewed) {
  const { method } = challenge;
  challenge = renewed;
  keep(challenge);
  if (challenge.method !== method) askForAnswer();
}

// The challenge is over: its link has signed this browser in, or nothing can be done with it any more.
async function ended(sentence) {
  const me = await call("GET", "/v1/me");
  if (me.ok) return goOn();
  if (sentence || Date.parse(challenge.expires_at) < Date.now()) {
    return begin(sentence || sentenceOf({ code: "challenge_closed" }));
  }
  return begin(_("The mail was used, perhaps in another browser. If you are not signed in there, ask for a new one."));
}

function begin(sentence = "", options = {}) {
  keep(null);
  tell(sentence, options);
  show("start", find("email"));
}

async function start() {
  const fields = { email: find("email"), name: find("name") };
  valid(...Object.values(fields).filter((field) => field));
  const sent = { email: fields.email.value };
  if (isRegistering) Object.assign(sent, { name: fields.name.value, locale: language });
  const answer = await call("POST", isRegistering ? "/v1/registrations" : "/v1/login/challenges", sent);
  if (!answer.ok) return refused(answer, fields);
  challenge = { ...answer, id: answer.challenge_id, email: fields.email.value.trim(), registering, onward };
  keep(challenge);
  tell("");
  askForAnswer();
}

// Whether a refusal ends the challenge: nothing answers it any more, or the right answer has.
function isSpent({ code, attempts_left: left }) {
  return code === "challenge_closed" || (code === "invalid_code" && left === 0) || Boolean(code?.startsWith("account_"));
}

async function verify() {
  const field = find("code");
  valid(field);
  const answer = await call("POST", `/v1/login/challenges/${challenge.id}/verify`, { code: field.value });
  if (answer.ok) return goOn();
  if (answer.code === "account_pending") {
    keep(null);
    tell(sentenceOf(answer), { good: true });
    return show("waiting");
  }
  if (isSpent(answer)) return begin(sentenceOf(answer));
  // Whatever else went wrong leaves the challenge open: the same code may be sent again.
  if (answer.code !== "invalid_code") return refused(answer, { code: field });
  field.select();
  invalid(field, sentenceOf(answer));
}

views.start.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(find("start"), start);
});
find("code-form").addEventListener("submit", (event) => {
  if (!challenge) return; // the server drew this form: it sends itself
  event.preventDefault();
  busy(find("verify"), verify);
});
find("again").addEventListener("click", (event) => {
  event.preventDefault();
  begin();
});

if (!views.start.hidden) {
  if (challenge) askForAnswer();
  else (find("name") || find("email")).focus();
}
