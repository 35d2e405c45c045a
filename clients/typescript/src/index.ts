import createClient, { type Client } from "openapi-fetch";

import { PosternError, refusal } from "./error.js";
import type { components, paths } from "./openapi.js";
import { transport } from "./transport.js";

export { PosternError, type ErrorCode, type Issue } from "./error.js";
export type { components, paths } from "./openapi.js";

type Schemas = components["schemas"];

/**
 * The named members of a schema. The API passes over all others, and a slip of
 * the pen would go unnoticed.
 */
type Known<Schema> = { [Name in keyof Schema as string extends Name ? never : Name]: Schema[Name] };

/** Asks for a code; `email` is all that it needs. */
export type CodeRequest = Omit<Known<Schemas["CodeRequest"]>, "phone">;
/** A code that a person typed. */
export type Verification = Omit<Known<Schemas["Verify"]>, "phone">;
/** One mail to hand over, with a code or link of the caller's own. */
export type NewMessage = Known<Schemas["NewMessage"]>;
/** What became of a mail that was handed over. */
export type Accepted = Known<Schemas["Accepted"]>;
/** A message with its attempts and events. Times are milliseconds since 1970. */
export type Message = Known<Schemas["Story"]>;

/** Invites an address to an organization. */
export type NewInvitation = Known<Schemas["NewInvitation"]>;
/** The variables of an invitation's mail. */
export type InvitationMail = Exclude<NewInvitation["messagePayload"], false | undefined>;
/** An address that was invited to an organization. Times are milliseconds since 1970. */
export type Invitation = Known<Schemas["Invitation"]>;

/** How to reach the service. */
export interface PosternOptions {
  /** Where the service is, such as https://postern.internal:3001. */
  url: string;
  /**
   * An API key. Codes need the scope `verification`, `sendMessage` needs
   * `messages:send`, all else `management`. It belongs on a server.
   */
  apiKey: string;
  /** Bounds a call with its repeats, beyond what the service is asked to wait; 10,000 ms unless given. */
  timeoutMs?: number;
  /** Makes the requests; the runtime's own fetch unless given. */
  fetch?: (request: Request) => Promise<Response>;
}

/** What any call can be told. */
export interface CallOptions {
  /** Ends the call. It rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What a call that sends can be told. */
export interface SendOptions extends CallOptions {
  /**
   * Makes two calls one, for 24 hours. Drawn unless given: give one where your
   * own job may call again.
   */
  idempotencyKey?: string;
  /**
   * Seconds, 1 to 30, to wait for the provider's first verdict. A mail that is
   * refused for good then rejects; a verdict that does not come in time is no
   * error.
   */
  wait?: number;
}

/**
 * Calls one Postern with one API key. What the service refuses rejects with a
 * PosternError; a lost connection, with the error of fetch.
 */
export class Postern {
  /**
   * Every operation of the API by its path, typed by the OpenAPI document, with
   * the same key, bounds and repeats. It answers `{ data, error, response }`
   * and rejects for lost connections only.
   */
  readonly api: Client<paths>;

  constructor(options: PosternOptions) {
    const { protocol, username, password, search, hash } = parse(options.url);
    if (!/^https?:$/.test(protocol) || username || password || search || hash) {
      throw new TypeError("url must be an http:// or https:// URL without user, query and fragment");
    }
    if (!/^[!-~](?:[ -~]*[!-~])?$/.test(options.apiKey)) {
      throw new TypeError("apiKey must be printable ASCII, and not empty");
    }
    const timeoutMs = options.timeoutMs ?? 10_000;
    if (!(timeoutMs > 0)) throw new TypeError("timeoutMs must be more than 0");
    this.api = createClient<paths>({
      baseUrl: options.url,
      headers: { Accept: "application/json" },
      fetch: transport({
        apiKey: options.apiKey,
        timeoutMs,
        fetch: options.fetch ?? ((request) => globalThis.fetch(request)),
      }),
    });
  }

  /**
   * Makes a one-time code and sends it by mail. The mail is on disk then, and
   * will be tried until the code expires.
   */
  async sendCode(request: CodeRequest, options: SendOptions = {}): Promise<{ messageId: string }> {
    return sent(await settle(this.api.POST("/api/verification-codes", { ...sending(options), body: request }), 204));
  }

  /**
   * Checks a code and, if it is right, uses it up. Only a promise that resolves
   * means that it was right. The code of the PosternError says why it was not:
   * `verification_code.code_mismatch`, `.expired`, `.not_found`,
   * `.exceed_max_try`, or `session.verification_blocked_too_many_attempts`.
   */
  async verifyCode(verification: Verification, options: CallOptions = {}): Promise<void> {
    await settle(this.api.POST("/api/verification-codes/verify", { ...sending(options), body: verification }), 204);
  }

  /**
   * Hands over one mail. Repeats of the same recipient, type and code or link
   * within 10 seconds are one message.
   */
  async sendMessage(message: NewMessage, options: SendOptions = {}): Promise<Accepted> {
    return data(await settle(this.api.POST("/api/messages", { ...sending(options), body: message }), 202));
  }

  /** Returns a message with its attempts and events. */
  async message(id: string, options: CallOptions = {}): Promise<Message> {
    return data(await settle(this.api.GET("/api/messages/{id}", { ...reading(options), params: at(id) }), 200));
  }

  /**
   * Invites an address, and sends it the mail in `messagePayload`, if any: both
   * or neither. `messageId` is that of the mail.
   */
  async createInvitation(invitation: NewInvitation, options: SendOptions = {}): Promise<Invitation & { messageId?: string }> {
    const call = this.api.POST("/api/organization-invitations", { ...sending(options), body: invitation });
    const answer = await settle(call, 201);
    return { ...data(answer), ...(invitation.messagePayload ? sent(answer) : {}) };
  }

  /** Sends the mail of a pending invitation again: in another language, for one. */
  async resendInvitation(id: string, mail: InvitationMail, options: SendOptions = {}): Promise<{ messageId: string }> {
    const call = { ...sending(options), params: at(id), body: mail };
    return sent(await settle(this.api.POST("/api/organization-invitations/{id}/message", call), 204));
  }

  /** Returns an invitation. */
  async invitation(id: string, options: CallOptions = {}): Promise<Invitation> {
    const call = { ...reading(options), params: at(id) };
    return data(await settle(this.api.GET("/api/organization-invitations/{id}", call), 200));
  }

  /** Marks a pending invitation as accepted by a user. */
  async acceptInvitation(id: string, userId: string, options: CallOptions = {}): Promise<Invitation> {
    return this.#setStatus(id, { status: "Accepted", acceptedUserId: userId }, options);
  }

  /** Ends a pending invitation. */
  async revokeInvitation(id: string, options: CallOptions = {}): Promise<Invitation> {
    return this.#setStatus(id, { status: "Revoked" }, options);
  }

  async #setStatus(id: string, body: { status: "Accepted" | "Revoked"; acceptedUserId?: string }, options: CallOptions) {
    const call = { ...reading(options), params: at(id), body };
    return data(await settle(this.api.PUT("/api/organization-invitations/{id}/status", call), 200));
  }
}

/** Parses a URL without repeating it in the error: it may hold a password. */
function parse(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new TypeError("url must be an http:// or https:// URL");
  }
}

/** The options of a request that makes something, safe to repeat by its key. */
function sending(options: SendOptions): { headers: Record<string, string>; signal: AbortSignal | null } {
  const headers: Record<string, string> = { "Idempotency-Key": options.idempotencyKey ?? newKey() };
  if (options.wait !== undefined) {
    if (!Number.isInteger(options.wait) || options.wait < 1 || options.wait > 30) {
      throw new TypeError("wait must be a whole number of seconds from 1 to 30");
    }
    headers["Prefer"] = `wait=${options.wait}`;
  }
  return { headers, ...reading(options) };
}

function reading(options: CallOptions): { signal: AbortSignal | null } {
  return { signal: options.signal ?? null };
}

/** The parameters of a path that leads to one thing. A path would swallow dots. */
function at(id: string): { path: { id: string } } {
  if (/^\.*$/.test(id)) throw new TypeError("the id must not be empty");
  return { path: { id } };
}

/** Draws an Idempotency-Key. It need not be secret, and old runtimes have no crypto. */
function newKey(): string {
  const { crypto } = globalThis as { crypto?: Crypto };
  return crypto?.randomUUID?.() ?? Array.from({ length: 3 }, () => Math.random().toString(36).slice(2)).join("");
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/**
 * Waits for an answer with the one status of success. A proxy's friendly 200 is
 * none: it must not pass for a code that was right.
 */
async function settle<Data>(call: Promise<Answer<Data>>, want: number): Promise<Answer<Data>> {
  const answer = await call.catch((error: unknown) => {
    // Of JSON.parse, which quotes what it read.
    throw error instanceof SyntaxError ? new PosternError({ status: want, code: "", message: "The answer is not the JSON that Postern sends." }) : error;
  });
  if (answer.response.status !== want) throw refusal(answer.response, answer.error);
  return answer;
}

/** Returns the id of the message that a call has sent. Without one, whatever answered was not Postern. */
function sent({ response }: Answer<unknown>): { messageId: string } {
  const messageId = response.headers.get("Postern-Message-Id");
  if (!messageId) throw notPostern(response);
  return { messageId };
}

/** Returns what an answer holds. Without an object, whatever answered was not Postern. */
function data<Data>(answer: Answer<Data>): Data {
  if (typeof answer.data !== "object" || answer.data === null) throw notPostern(answer.response);
  return answer.data;
}

function notPostern(response: Response): PosternError {
  return refusal(response, undefined);
}
