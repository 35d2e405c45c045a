/** The error codes that a caller branches on; the API has more. */
export type ErrorCode =
  | "verification_code.code_mismatch"
  | "verification_code.expired"
  | "verification_code.not_found"
  | "verification_code.exceed_max_try"
  | "session.verification_blocked_too_many_attempts"
  | "request.message_rate_limited"
  | "connector.general"
  | "connector.template_not_found"
  | "connector.rate_limit_exceeded"
  | "connector.not_found"
  | "guard.invalid_input"
  | "request.invalid_input"
  | "entity.value_too_long"
  | "entity.unique_integrity_violation"
  | "entity.not_found"
  | "auth.unauthorized"
  | "auth.forbidden"
  | (string & {});

/** One field at fault. */
export interface Issue {
  /** Keys and indexes that lead to the value. */
  path: (string | number)[];
  code: string;
  message: string;
}

/** What a PosternError is made from. */
export interface ErrorFacts {
  status: number;
  code: ErrorCode;
  message: string;
  issues?: Issue[];
  retryAfter?: number | undefined;
  requestId?: string | undefined;
  messageId?: string | undefined;
}

/**
 * An answer that says no. It repeats nothing that was sent: no code, no
 * address, no key.
 */
export class PosternError extends Error {
  override readonly name = "PosternError";
  /** HTTP's status. */
  readonly status: number;
  /** The API's error code; "" when the answer was not Postern's, such as a proxy's. */
  readonly code: ErrorCode;
  /** The fields at fault, for invalid input. */
  readonly issues: readonly Issue[];
  /** Seconds to wait before asking again, where the service says so. */
  readonly retryAfter: number | undefined;
  /** Finds the request in the service's log. */
  readonly requestId: string | undefined;
  /** The message that was refused, where the call waited for the verdict. */
  readonly messageId: string | undefined;

  constructor(facts: ErrorFacts) {
    super(facts.message);
    this.status = facts.status;
    this.code = facts.code;
    this.issues = facts.issues ?? [];
    this.retryAfter = facts.retryAfter;
    this.requestId = facts.requestId;
    this.messageId = facts.messageId;
  }
}

/** Makes the error for an answer that is not the success of its call. */
export function refusal(response: Response, body: unknown): PosternError {
  const facts = {
    status: response.status,
    retryAfter: retryAfter(response.headers.get("Retry-After")),
    requestId: response.headers.get("X-Request-Id") ?? undefined,
    messageId: response.headers.get("Postern-Message-Id") ?? undefined,
  };
  if (!isRefusal(body)) {
    return new PosternError({ ...facts, code: "", message: `The service answered ${response.status}, and not as Postern does.` });
  }
  const issues = body.data?.issues;
  return new PosternError({ ...facts, code: body.code, message: body.message, issues: Array.isArray(issues) ? issues : [] });
}

function isRefusal(body: unknown): body is { code: string; message: string; data?: { issues?: Issue[] } } {
  const said = body as { code?: unknown; message?: unknown } | null;
  return typeof said === "object" && typeof said?.code === "string" && said.code !== "" && typeof said.message === "string";
}

/** Reads a Retry-After header (RFC 9110 section 10.2.3) in seconds. */
function retryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}
