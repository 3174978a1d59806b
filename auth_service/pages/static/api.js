// Asking the API: an answer tells by `ok` whether it is one, and by `code` and `detail` why not.

export async function call(method, path, body) {
  const options = { method, credentials: "same-origin", headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    return { ok: false, code: "unreachable", detail: "The server cannot be reached. Try again in a moment." };
  }
  const told = await response.json().catch(() => ({}));
  if (response.ok) return { ...told, ok: true };
  const detail = told.detail || "Something went wrong. Try again in a moment.";
  return { ...told, ok: false, detail };
}
