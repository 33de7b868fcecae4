// Asking the instance that served this page. The token is kept for as long as this tab is open.

const KEPT_AS = "cleave.ops.token";

export const token = {
  get: () => sessionStorage.getItem(KEPT_AS),
  keep: (value) => sessionStorage.setItem(KEPT_AS, value),
  forget: () => sessionStorage.removeItem(KEPT_AS),
};

/** The instance answered, and not as wished. */
export class Refused extends Error {
  constructor(status, document) {
    const detail = document?.detail ?? `The instance answered ${status}.`;
    const fields = (document?.errors ?? []).map((error) => `${error.field}: ${error.message}`);
    super(fields.length > 0 ? fields.join("; ") : detail);
    this.status = status;
    this.code = document?.code ?? null;
    this.document = document;
  }
}

/** There was no answer, or none in time. */
export class Unreachable extends Error {}

/** JSON is parsed, anything else is text. `patience` is in milliseconds; without it there is no end. */
export async function ask(path, { method = "GET", body, patience = 8000 } = {}) {
  const headers = {};
  if (token.get() !== null) {
    headers.authorization = `Bearer ${token.get()}`;
  }
  if (body !== undefined) {
    headers["content-type"] = "application/json";
  }
  let response, text;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: patience ? AbortSignal.timeout(patience) : undefined,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    text = await response.text();
  } catch (error) {
    throw new Unreachable(error.message);
  }
  const document = isJson(response) ? parse(text) : text;
  if (!response.ok) {
    throw new Refused(response.status, document);
  }
  return document;
}

function isJson(response) {
  return /^application\/([\w.-]+\+)?json\b/.test(response.headers.get("content-type") ?? "");
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreachable("an answer was cut off");
  }
}
