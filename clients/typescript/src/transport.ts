/** How often a request is made again at most. */
const repeats = 2;
/** The longest pause before the first repeat, in milliseconds; each further one is four times as long. */
const firstPause = 200;
/** Bounds an answer, in bytes. */
const maxAnswer = 1 << 20;

/** What a transport needs. */
export interface TransportOptions {
  apiKey: string;
  timeoutMs: number;
  fetch: (request: Request) => Promise<Response>;
}

/**
 * Returns a fetch for requests to the service: with the key, within the time,
 * without redirects (they would carry the key elsewhere), with a bounded
 * answer, and again where that may help and does no harm.
 */
export function transport(options: TransportOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    request.headers.set("Authorization", `Bearer ${options.apiKey}`);
    const end = deadline(request.signal, options.timeoutMs + preferredWait(request));
    try {
      const response = await persist(request, end.signal, options.fetch);
      return response.ok ? response : await hide(options.apiKey, response);
    } finally {
      end.release();
    }
  };
}

async function persist(request: Request, signal: AbortSignal, fetch: TransportOptions["fetch"]): Promise<Response> {
  const repeatable = request.method === "GET" || request.headers.has("Idempotency-Key");
  for (let tries = 1; ; tries++) {
    const last = tries > repeats || !repeatable;
    signal.throwIfAborted();
    try {
      const response = await bounded(await fetch(new Request(request.clone(), { signal, redirect: "manual" })));
      if (last || !(await passing(response, tries))) return response;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (last || error instanceof TooLarge) throw error;
    }
    await pause(tries, signal);
  }
}

/**
 * Reports whether an answer says that a service may be there at the next try.
 * Where it says when to come again, that is for the caller to wait for.
 */
async function passing(response: Response, tries: number): Promise<boolean> {
  switch (response.status) {
    case 502:
    case 503:
    case 504:
      return !response.headers.has("Retry-After");
    case 409: // our own try before, whose answer was lost, may still run
      return tries > 1 && (await response.clone().text()).includes('"request.idempotency_in_progress"');
    default:
      return false;
  }
}

/**
 * Waits before the next try, a random part of what is due, so that callers who
 * failed together do not come back together.
 */
function pause(tries: number, signal: AbortSignal): Promise<void> {
  const longest = firstPause * 4 ** (tries - 1);
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, longest * (0.5 + Math.random() / 2));
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** A signal that the caller's one or the end of the time aborts. */
function deadline(outer: AbortSignal, ms: number): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort(outer.reason);
  const timer = setTimeout(() => controller.abort(new DOMException("Postern did not answer in time.", "TimeoutError")), ms);
  if (outer.aborted) abort();
  outer.addEventListener("abort", abort, { once: true });
  const release = () => {
    clearTimeout(timer);
    outer.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, release };
}

/** Takes the key out of an answer that says no: a proxy for debugging may put the request into it. */
async function hide(apiKey: string, response: Response): Promise<Response> {
  if (response.body === null) return response;
  const text = (await response.text()).replaceAll(apiKey, "********");
  return new Response(text, { status: response.status, statusText: response.statusText, headers: response.headers });
}

/** What the service was asked to wait, in milliseconds. */
function preferredWait(request: Request): number {
  const wait = /^wait=(\d+)$/.exec(request.headers.get("Prefer") ?? "");
  return wait ? Number(wait[1]) * 1000 : 0;
}

class TooLarge extends Error {}

/** Reads an answer whole, up to its bound. */
async function bounded(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const reader = response.body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > maxAnswer) {
      await reader.cancel();
      throw new TooLarge(`The answer is larger than ${maxAnswer} bytes.`);
    }
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return new Response(whole, { status: response.status, statusText: response.statusText, headers: response.headers });
}
