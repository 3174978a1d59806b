// What an administrator may do about someone, and the dialogs that ask before it is done.
import { call } from "./api.js";
import { ask } from "./dialogs.js";
import { busy, button, find, invalid, refused, tell, valid } from "./screen.js";
import { _, isolated, sentenceOf } from "./words.js";

const path = (user, deed = "") => `/v1/admin/users/${user.id}${deed}`;
export const nameOf = (user) => user.name || user.email;

// Give the buttons for what a person's state allows: decisions, and the rest. `changed` gets them as they are
// afterwards; null: gone.
export function deedsFor(user, changed) {
  const made = (className, text, label, work) => button(`${className} small`, text, label, work);
  const values = { name: nameOf(user), address: user.email };
  const told = { name: isolated(nameOf(user)) };
  const approve = () => made("deed", _("Approve"), _("Approve %(name)s, %(address)s", values), (pressed) =>
    busy(pressed, () => decide(user, "/approve", changed, _("%(name)s is approved, and gets a mail that says so.", told))));
  const reject = () => made("second", _("Reject…"), _("Reject %(name)s, %(address)s", values), () =>
    askWhy(user, "/reject", changed, {
      heading: _("Reject this registration?"), send: _("Reject"), done: _("%(name)s is rejected, and gets a mail that says so.", told),
    }));
  const suspend = () => made("second", _("Suspend…"), _("Suspend %(name)s, %(address)s", values), () =>
    askWhy(user, "/suspend", changed, {
      heading: _("Suspend this account?"), send: _("Suspend"), done: _("%(name)s is suspended, and signed out everywhere.", told),
    }));
  const reinstate = () => made("second", _("Reinstate"), _("Reinstate %(name)s, %(address)s", values), (pressed) =>
    busy(pressed, () => decide(user, "/reinstate", changed, _("%(name)s may sign in again, and gets a mail that says so.", told))));
  const change = () => made("second", _("Change…"), _("Change %(name)s, %(address)s", values), () => askChange(user, changed));
  const remove = () => made("second danger", _("Delete…"), _("Delete %(name)s, %(address)s", values), () => askDelete(user, changed));
  const byStatus = {
    pending: [approve, reject], rejected: [approve], active: [suspend], suspended: [reinstate],
  };
  return { decisions: (byStatus[user.status] ?? []).map((make) => make()), rest: [change(), remove()] };
}

async function decide(user, deed, changed, done) {
  const answer = await call("POST", path(user, deed));
  if (!answer.ok) return refused(answer);
  changed(answer);
  return tell(done, { good: true });
}

function askWhy(user, deed, changed, { heading, send, done }) {
  const dialog = find("reason-dialog");
  find("reason-heading").textContent = heading;
  find("reason-about").textContent = `${isolated(nameOf(user))}, ${isolated(user.email)}`;
  const confirm = dialog.querySelector("[type=submit]");
  confirm.textContent = send;
  find("reason").value = "";
  ask("reason-dialog", async () => {
    const reason = find("reason");
    valid(reason);
    const told = reason.value.replace(/\s+/g, " ").trim(); // pasted tabs, too: the API takes no controls
    const answer = await call("POST", path(user, deed), { reason: told || null });
    if (!answer.ok) {
      refused(answer, { reason }, { at: find("reason-message") });
      return false;
    }
    return () => {
      changed(answer);
      tell(done, { good: true });
    };
  }, { focus: find("reason") });
}

function askDelete(user, changed) {
  find("delete-about").textContent = _(
    "%(name)s, %(address)s, is signed out and gone at once, with name, address and sign-ins. They get a mail that says so. It cannot be undone.",
    { name: isolated(nameOf(user)), address: isolated(user.email) },
  );
  ask("delete-dialog", async () => {
    const answer = await call("DELETE", path(user));
    if (!answer.ok) {
      refused(answer, {}, { at: find("delete-message") });
      return false;
    }
    return () => {
      changed(null);
      tell(_("%(name)s is deleted.", { name: isolated(nameOf(user)) }), { good: true });
    };
  }, { focus: find("delete-dialog").querySelector("[data-close]") });
}

function chosen(select, value) {
  if (![...select.options].some((option) => option.value === value)) select.add(new Option(value, value));
  select.value = value;
}

function askChange(user, changed) {
  const [name, role, locale] = ["name", "role", "locale"].map((field) => find(`change-${field}`));
  find("change-about").textContent = user.email;
  name.value = user.name;
  chosen(role, user.role);
  chosen(locale, user.locale);
  valid(name);
  ask("change-dialog", async () => {
    const sent = { role: role.value, locale: locale.value, ...(name.value === user.name ? {} : { name: name.value }) };
    const answer = await call("PATCH", path(user), sent);
    if (!answer.ok) {
      refused(answer, { name }, { at: find("change-message") });
      return false;
    }
    return () => {
      changed(answer);
      tell(_("%(name)s is changed.", { name: isolated(nameOf(answer)) }), { good: true });
    };
  });
}

// Ask whom to invite; `invited` gets them.
export function askInvite(invited) {
  const [email, name, role, locale] = ["email", "name", "role", "locale"].map((field) => find(`invite-${field}`));
  for (const field of [email, name]) field.value = "";
  role.value = "member";
  locale.value = document.documentElement.lang.replace("-", "_");
  valid(email, name);
  ask("invite-dialog", async () => {
    const at = find("invite-message");
    valid(email, name);
    if (!email.value.trim()) {
      invalid(email, sentenceOf({ code: "invalid_request", errors: [{ field: "email" }] }), { at });
      return false;
    }
    const sent = { email: email.value, name: name.value.trim() || null, role: role.value, locale: locale.value };
    const answer = await call("POST", "/v1/admin/invitations", sent);
    if (!answer.ok) {
      refused(answer, { email, name }, { at });
      return false;
    }
    const values = { name: isolated(nameOf(answer)) };
    return () => {
      invited(answer);
      tell(answer.status === "invited"
        ? _("%(name)s is invited, and gets a mail that says so.", values)
        : _("%(name)s has an account already.", values), { good: true });
    };
  });
}
