// Times as people read them, in the page's language and the reader's own time zone.
import { language } from "./words.js";
import { part } from "./screen.js";

const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export function time(iso) {
  return part("time", { text: moment.format(new Date(iso)), dateTime: iso });
}

const ofDay = new Intl.DateTimeFormat(language, { timeStyle: "short" });

export const timeOfDay = (iso) => ofDay.format(new Date(iso));
