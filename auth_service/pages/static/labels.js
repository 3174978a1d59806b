// What administrators read for the API's words.
import { _, pgettext } from "./words.js";

export const STATUSES = {
  pending: _("Waiting for approval"),
  active: _("Active"),
  invited: _("Invited"),
  unverified: _("Address not confirmed"),
  rejected: _("Rejected"),
  suspended: _("Suspended"),
};

export const ROLES = { member: _("Member"), admin: _("Administrator") };

export const ACTIONS = {
  registered: pgettext("done", "Registered"),
  signed_in: pgettext("done", "Signed in"),
  sign_in_refused: pgettext("done", "Sign-in refused"),
  signed_out: pgettext("done", "Signed out"),
  sessions_revoked: pgettext("done", "Signed out elsewhere"),
  access_refused: pgettext("done", "Access refused"),
  approved: pgettext("done", "Approved"),
  rejected: pgettext("done", "Rejected"),
  suspended: pgettext("done", "Suspended"),
  reinstated: pgettext("done", "Reinstated"),
  invited: pgettext("done", "Invited"),
  deleted: pgettext("done", "Account deleted"),
  changed: pgettext("done", "Account changed"),
  address_changed: pgettext("done", "Address changed"),
  administrator_made: pgettext("done", "Made an administrator"),
};

const REASONS = {
  account_pending: STATUSES.pending,
  account_rejected: STATUSES.rejected,
  account_suspended: STATUSES.suspended,
  address_changed: ACTIONS.address_changed,
  address_taken_over: _("Someone else proved that the address is theirs"),
  challenge_closed: _("The code or link could no longer be used"),
  deleted: ACTIONS.deleted,
  forbidden: _("For administrators only"),
  invalid_code: _("Wrong code"),
  last_administrator: _("The last administrator has to stay"),
  link_elsewhere: _("The link was opened in another browser"),
  revoked: _("Ended from another place"),
  session_not_found: _("No sign-in of theirs"),
  signed_out: ACTIONS.signed_out,
  suspended: ACTIONS.suspended,
  unauthenticated: _("Not signed in any more"),
};

// What is noted beside an action: what each is called, and what its values are where these are words of the API.
export const DETAILS = {
  reason: { label: _("Reason"), values: REASONS },
  route: { label: _("Call") },
  method: { label: _("Method"), values: { otp: _("Code"), magic_link: _("Link") } },
  new_device: { label: _("New device"), values: { true: _("yes"), false: _("no") } },
  sessions: { label: _("Sign-ins that ended") },
  field: { label: _("Field"), values: { role: _("Role"), status: _("Status"), email: _("Mail address") } },
  fields: { label: _("Changed"), values: { name: _("Name"), role: _("Role"), locale: _("Language") } },
  role_before: { label: _("Role before"), values: ROLES },
  role: { label: _("Role"), values: ROLES },
  status_before: { label: _("Status before"), values: STATUSES },
  status: { label: _("Status"), values: STATUSES },
};
