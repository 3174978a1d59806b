// Changing one's mail address: it counts once the code that was mailed to the new one has come back.
import { call } from "./api.js";
import { busy, find, invalid, refused, tell, valid } from "./screen.js";
import { _, sentenceOf } from "./words.js";

let challenge = null;

function show(proving) {
  find("address-form").hidden = proving;
  find("address-code-form").hidden = !proving;
}

async function ask(changed) {
  const field = find("new-address");
  valid(field);
  const answer = await call("POST", "/v1/me/email", { email: field.value });
  if (!answer.ok) return refused(answer, { email: field });
  challenge = { id: answer.challenge_id, email: field.value.trim(), changed };
  find("address-sent").textContent = _("A mail with a code is on its way to %(address)s.", { address: challenge.email });
  find("address-code").value = "";
  tell("");
  show(true);
  return find("address-code").focus();
}

async function prove() {
  const field = find("address-code");
  valid(field);
  const sent = { challenge_id: challenge.id, code: field.value };
  const answer = await call("POST", "/v1/me/email/verify", sent);
  if (!answer.ok) {
    const over = answer.code === "challenge_closed" || (answer.code === "invalid_code" && answer.attempts_left === 0);
    if (over) {
      keep();
      return tell(sentenceOf(answer));
    }
    if (answer.code !== "invalid_code") return refused(answer, { code: field });
    field.select();
    return invalid(field, sentenceOf(answer));
  }
  challenge.changed(answer);
  find("new-address").value = "";
  keep();
  return tell(_("Your address is changed."), { good: true });
}

function keep() {
  challenge = null;
  show(false);
  find("new-address").focus();
}

// Have the forms work; `changed` is given the account when its address is another.
export function offerChange(changed) {
  find("address-form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(find("change-address"), () => ask(changed));
  });
  find("address-code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(find("prove-address"), prove);
  });
  find("keep-address").addEventListener("click", () => {
    tell("");
    keep();
  });
}
