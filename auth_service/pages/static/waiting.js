// While a mail is on its way: whether it is late, when another may be asked for, and whether its link was used.
import { call } from "./api.js";
import { busy, find, tell } from "./screen.js";
import { timeOfDay } from "./times.js";
import { _, sentenceOf } from "./words.js";

const LOOK_EVERY_MS = 4000;

let watched = null; // { challenge, ended, changed }
let looking = 0;
let counting = 0;

// Watch over a challenge; `ended` is called when it is closed, `changed` when another mail was sent.
export function watch(challenge, { ended, changed }) {
  leave();
  watched = { challenge, ended, changed };
  count();
  look();
}

export function leave() {
  clearTimeout(looking);
  clearTimeout(counting);
  watched = null;
  find("delivery").hidden = true;
  find("resend").hidden = true;
}

async function look() {
  clearTimeout(looking);
  const mine = watched;
  if (!mine || document.hidden) return;
  if (Date.parse(mine.challenge.expires_at) < Date.now()) return mine.ended();
  const answer = await call("GET", `/v1/login/challenges/${mine.challenge.id}`);
  if (watched !== mine) return;
  if (answer.ok && answer.state === "closed") return mine.ended();
  if (answer.ok) showDelivery(answer.delivery);
  looking = setTimeout(look, LOOK_EVERY_MS);
}

function showDelivery(delivery) {
  const line = find("delivery");
  const sentence = delivery === "delayed"
    ? _("Mail is slow at the moment. Yours is kept safe, and arrives a little later.")
    : _("The mail is on its way. It is good until %(time)s.", { time: timeOfDay(watched.challenge.expires_at) });
  line.dataset.delivery = delivery;
  line.hidden = false;
  if (line.textContent !== sentence) line.textContent = sentence; // told once, not each time
}

function count() {
  clearTimeout(counting);
  if (!watched) return;
  const button = find("resend");
  const seconds = Math.ceil((Date.parse(watched.challenge.resend_at) - Date.now()) / 1000);
  button.hidden = false;
  button.setAttribute("aria-disabled", String(seconds > 0)); // not disabled: that would lose the keyboard's place
  button.textContent = seconds > 0
    ? _("Send it again in %(seconds)s s", { seconds })
    : _("Send it again");
  if (seconds > 0) counting = setTimeout(count, 1000);
}

async function resend() {
  const mine = watched;
  const answer = await call("POST", `/v1/login/challenges/${mine.challenge.id}/resend`);
  if (watched !== mine) return;
  if (answer.ok) {
    mine.challenge = { ...mine.challenge, resend_at: answer.resend_at, method: answer.method };
    mine.changed(mine.challenge);
    const hasCode = answer.method !== "magic_link";
    tell(hasCode ? _("We have sent it again. The code is the same.") : _("We have sent it again."), { good: true });
  } else {
    if (answer.code === "challenge_closed") return mine.ended(sentenceOf(answer));
    if (answer.retryAfter) mine.challenge.resend_at = new Date(Date.now() + 1000 * answer.retryAfter).toISOString();
    tell(sentenceOf(answer));
  }
}

find("resend").addEventListener("click", async () => {
  if (find("resend").ariaDisabled === "true") return;
  await busy(find("resend"), resend);
  count();
});
document.addEventListener("visibilitychange", look);
