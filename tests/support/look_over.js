// What is wrong with a page for a screen reader, a keyboard or a narrow screen; given in words.
() => {
  const found = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility();
  const ids = all("[id]").map((element) => element.id);
  const references = (element, attribute) => (element.getAttribute(attribute) ?? "").trim().split(/\s+/).filter(Boolean);
  const isNamed = (element) => [
    element.getAttribute("aria-label"),
    ...references(element, "aria-labelledby").map((id) => document.getElementById(id)?.textContent),
    ...[...(element.labels ?? [])].map((label) => label.textContent),
    element.matches("button, a, summary") ? element.textContent : "",
  ].some((each) => each?.trim());

  const named = "button, a, input:not([type=hidden]), select, textarea, summary, dialog, nav, section";
  for (const element of all(named).filter(shown)) {
    const isLandmark = !element.matches("section") || element.hasAttribute("aria-labelledby");
    if (isLandmark && !isNamed(element)) found.push(`nameless: ${element.outerHTML.slice(0, 120)}`);
  }
  if (all("img:not([alt])").length) found.push("img without alt");
  for (const landmark of ["main", "h1"]) {
    const count = all(landmark).filter(shown).length;
    if (count !== 1) found.push(`${count} of ${landmark}`);
  }
  found.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `twice: ${id}`));
  for (const attribute of ["aria-describedby", "aria-labelledby", "for"]) {
    const missing = all(`[${attribute}]`).flatMap((element) => references(element, attribute)).filter((id) => !ids.includes(id));
    found.push(...missing.map((id) => `${attribute} to nothing: ${id}`));
  }
  const levels = all("h1, h2, h3, h4").filter(shown).map((heading) => Number(heading.tagName[1]));
  levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) found.push(`h${level} after h${levels[at - 1]}`); });
  if (!document.documentElement.lang) found.push("no language");
  if (all("form").some(shown) && !all("[role=status][aria-live]").length) found.push("nowhere to tell");
  if (document.documentElement.scrollWidth > window.innerWidth) found.push("wider than the window");
  return found;
}
