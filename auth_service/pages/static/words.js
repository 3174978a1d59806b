// What scripts say, in the page's language. Sentences stand in the source in English, as gettext knows them.

const { words, problems, fields } = JSON.parse(document.getElementById("words").textContent);

export const language = document.documentElement.lang;
const plurals = new Intl.PluralRules(language);

// A stranger's words inside a sentence, read in their own direction whatever that is.
export const isolated = (text) => `\u2068${text}\u2069`;

function filled(sentence, values) {
  return sentence.replace(/%\((\w+)\)s/g, (all, name) => values[name] ?? all);
}

export function _(sentence, values = {}) {
  return filled(words[sentence] ?? sentence, values);
}

// The same word may be said of different things, and need another in other languages: `context` tells of which.
export function pgettext(context, sentence) {
  return words[`${context}\u0004${sentence}`] ?? sentence;
}

export function ngettext(one, many, count, values = {}) {
  const forms = words[one] ?? [one, many];
  return filled(plurals.select(count) === "one" ? forms[0] : forms[1], { count, ...values });
}

// A problem in words: by its field or code, else as the server told it.
export function sentenceOf(answer) {
  if (answer.code === "invalid_request") {
    const wrong = answer.errors?.[0];
    return fields[wrong?.field] ?? answer.detail;
  }
  if (answer.code === "invalid_code") return wrongCode(answer.attempts_left);
  return problems[answer.code] ?? answer.detail ?? problems.internal_error;
}

function wrongCode(left) {
  if (left === 0) return _("This is not the code, and that was the last try. Ask for a new one.");
  return ngettext(
    "This is not the code. You have one more try.",
    "This is not the code. You have %(count)s more tries.",
    left,
  );
}
