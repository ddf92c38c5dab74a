// The HTTP API. The operator's token goes into the header and nowhere else.

// Problem is a refusal, with the fields of its RFC 9457 document.
class Problem extends Error {
  constructor(status, document, retryAfter = 0) {
    super(document.detail || document.title || `The service answered ${status}.`);
    this.status = status;
    this.code = document.code ?? "";
    this.retryAfter = retryAfter;
  }
}

// unreachable is the document of the problem that no answer came.
const unreachable = { code: "unreachable", detail: "The service cannot be reached. Check the connection and try again." };

export class API {
  constructor(session) {
    this.session = session;
  }

  // request returns an answer of status 2xx, and throws a Problem for any other.
  async request(method, path, { body, accept = "application/json", signal, token = this.session.token } = {}) {
    const headers = { Accept: accept, Authorization: `Bearer ${token}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(path, {
        method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "omit", referrerPolicy: "no-referrer",
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, unreachable);
    }
    if (response.ok) return response;

    const document = await response.json().catch(() => ({}));
    const problem = new Problem(response.status, document, Number(response.headers.get("Retry-After")) || 0);
    if (this.session.token === token && (problem.code === "unauthorized" || problem.code === "forbidden")) {
      this.session.end("The service no longer takes this token. Please sign in again.");
    }
    throw problem;
  }

  async get(path, options) {
    return (await this.request("GET", path, options)).json();
  }

  async post(path, body) {
    return (await this.request("POST", path, { body })).json();
  }

  async put(path, body) {
    return (await this.request("PUT", path, { body })).json();
  }

  delete(path) {
    return this.request("DELETE", path);
  }

  // picture fetches the variant of a width, or without a width the stored bytes.
  async picture(id, width, signal) {
    const query = width ? `?width=${width}` : "";
    const response = await this.request("GET", `/v1/images/${encodeURIComponent(id)}${query}`, { accept: "image/*", signal });
    return response.blob();
  }

  // accepts resolves with whether the service accepts a token.
  async accepts(token) {
    if (!/^[\x21-\x7e]+$/.test(token)) return false; // not valid in a header
    try {
      await this.request("GET", "/v1/links?limit=1", { token });
      return true;
    } catch (error) {
      if (error.status === 401 || error.status === 403) return false;
      throw error;
    }
  }
}
