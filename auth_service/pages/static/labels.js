// What administrators read for the API's words.
import { _ } from "./words.js";

export const STATUSES = {
  pending: _("Waiting for approval"),
  active: _("Active"),
  invited: _("Invited"),
  unverified: _("Address not confirmed"),
  rejected: _("Rejected"),
  suspended: _("Suspended"),
};

export const ACTIONS = {
  registered: _("Registered"),
  signed_in: _("Signed in"),
  sign_in_refused: _("Sign-in refused"),
  signed_out: _("Signed out"),
  sessions_revoked: _("Signed out elsewhere"),
  access_refused: _("Access refused"),
  approved: _("Approved"),
  rejected: _("Rejected"),
  suspended: _("Suspended"),
  reinstated: _("Reinstated"),
  invited: _("Invited"),
  deleted: _("Account deleted"),
  changed: _("Account changed"),
  address_changed: _("Address changed"),
  administrator_made: _("Made an administrator"),
};

export const ROLES = { member: _("Member"), admin: _("Administrator") };
