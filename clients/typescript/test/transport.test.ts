// What the client does with requests and answers, by a fetch that the test
// answers for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Postern, PosternError } from "postern-client";

const apiKey = "pk_s3cret-Zq8-key";
type Step = (request: Request) => Response | Promise<Response>;

/** A client whose requests get the answers in turn, and the requests. */
function client(steps: Step[], timeoutMs = 10_000) {
  const requests: Request[] = [];
  const postern = new Postern({
    url: "https://postern.internal:3001/behind/",
    apiKey,
    timeoutMs,
    fetch: async (request) => {
      requests.push(request);
      const step = steps[requests.length - 1];
      assert(step, "one try too many");
      return step(request);
    },
  });
  return { postern, requests };
}

const sent: Step = () => new Response(null, { status: 204, headers: { "Postern-Message-Id": "m1" } });
const lost: Step = () => Promise.reject(new TypeError("fetch failed"));
const status = (code: number, body = "", headers: Record<string, string> = {}): Step => () => new Response(body, { status: code, headers });
const refused = (code: number, name: string, headers: Record<string, string> = {}) =>
  status(code, JSON.stringify({ code: name, message: "No." }), headers);
const running = refused(409, "request.idempotency_in_progress", { "Retry-After": "1" });
const cut: Step = () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array([123]));
        controller.error(new TypeError("terminated"));
      },
    }),
  );
const hang: Step = (request) =>
  new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));

const email = "ann@example.com";

for (const [name, steps, want] of [
  ["at once", [sent], "m1"],
  ["lost, then sent", [lost, sent], "m1"],
  ["cut off, then sent", [cut, sent], "m1"],
  ["502, 504, then sent", [status(502), status(504), sent], "m1"],
  ["503 three times", [status(503), status(503), status(503)], 503],
  ["lost three times", [lost, lost, lost], TypeError],
  ["503 with its time", [status(503, "", { "Retry-After": "30" })], 503],
  ["500", [refused(500, "entity.internal_error")], 500],
  ["400", [refused(400, "guard.invalid_input")], 400],
  ["429", [refused(429, "request.message_rate_limited")], 429],
  ["a redirect", [status(307, "", { Location: "https://elsewhere.example/" })], 307],
  ["lost, still running, sent", [lost, running, sent], "m1"],
  ["another's key, still running", [running], 409],
] as [string, Step[], string | number | typeof TypeError][]) {
  test(`repeats: ${name}`, async () => {
    const { postern, requests } = client(steps);
    const call = postern.sendCode({ email });
    if (typeof want === "string") assert.deepEqual(await call, { messageId: want });
    else if (typeof want === "number") await assert.rejects(call, (e) => e instanceof PosternError && e.status === want);
    else await assert.rejects(call, want);
    assert.equal(requests.length, steps.length);
    const keys = new Set(requests.map((request) => request.headers.get("Idempotency-Key")));
    assert.equal(keys.size, 1);
    assert(!keys.has(null) && !keys.has(""));
    for (const request of requests) {
      assert.equal(request.url, "https://postern.internal:3001/behind/api/verification-codes");
      assert.equal(request.redirect, "manual");
      assert.equal(request.headers.get("Authorization"), `Bearer ${apiKey}`);
      assert.deepEqual(await request.json(), { email });
    }
  });
}

test("a change that could do another thing twice is made once", async () => {
  const { postern, requests } = client([status(503)]);
  await assert.rejects(postern.revokeInvitation("i1"), PosternError);
  assert.equal(requests.length, 1);
});

test("keys are drawn anew for each call", async () => {
  const { postern, requests } = client([sent, sent, sent]);
  await postern.sendCode({ email });
  await postern.sendCode({ email });
  await postern.sendCode({ email }, { idempotencyKey: "job-7", wait: 5 });
  const keys = requests.map((request) => request.headers.get("Idempotency-Key"));
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[2], "job-7");
  assert.equal(requests[2]?.headers.get("Prefer"), "wait=5");
});

test("the caller ends a call", async () => {
  // While a try is under way, and in the pause after one.
  for (const step of [hang, status(503)]) {
    const controller = new AbortController();
    const { postern, requests } = client([
      (request) => {
        setTimeout(() => controller.abort(new Error("the page was left")));
        return step(request);
      },
    ]);
    await assert.rejects(postern.sendCode({ email }, { signal: controller.signal }), /the page was left/);
    assert.equal(requests.length, 1);
  }
  const { postern, requests } = client([]);
  await assert.rejects(postern.sendCode({ email }, { signal: AbortSignal.abort(new Error("left before")) }), /left before|aborted/);
  assert.equal(requests.length, 0);
});

test("the time ends a call", async () => {
  const { postern } = client([hang], 20);
  await assert.rejects(postern.sendCode({ email }), { name: "TimeoutError" });
});

test("an error tells what the API told", async () => {
  const issues = [{ path: ["templates", 0, "subject"], code: "required", message: "is missing" }];
  const body = JSON.stringify({ code: "guard.invalid_input", message: "The request is not valid.", data: { issues } });
  const { postern } = client([status(429, body, { "Retry-After": "7", "X-Request-Id": "r1", "Postern-Message-Id": "m9" })]);
  const error = await postern.sendCode({ email }).catch((e: unknown) => e);
  assert(error instanceof PosternError && error instanceof Error);
  const { name, message, code, retryAfter, requestId, messageId } = error;
  assert.deepEqual(
    { name, message, code, status: error.status, issues: error.issues, retryAfter, requestId, messageId },
    {
      name: "PosternError", message: "The request is not valid.", code: "guard.invalid_input", status: 429, issues,
      retryAfter: 7, requestId: "r1", messageId: "m9",
    },
  );
});

test("only Postern's own success is one", async () => {
  const endless: Step = () =>
    new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(100_000)) }), { status: 200 });
  for (const step of [
    status(200, "<html>Welcome</html>"), status(200, '{"id":"m1"}'), status(200, ""), status(404, "<html>404</html>"),
    status(302, "", { Location: "/login" }), endless,
  ]) {
    await assert.rejects(client([step]).postern.verifyCode({ email, verificationCode: "123456" }));
    await assert.rejects(client([step]).postern.sendCode({ email }));
    await assert.rejects(client([step]).postern.sendMessage({ to: email, type: "SignIn", payload: {} }));
  }
  await assert.rejects(client([status(202, "null")]).postern.sendMessage({ to: email, type: "SignIn", payload: {} }), PosternError);
  await assert.rejects(client([() => new Response(null, { status: 204 })]).postern.sendCode({ email }), PosternError);
  const page = await client([status(200, "<secret page>")]).postern.message("m1").catch((e: unknown) => e);
  assert(page instanceof PosternError && !page.message.includes("secret"));
});

test("the key and what was sent are shown nowhere", async () => {
  const echo: Step = (request) => {
    const said = `got ${request.headers.get("Authorization")}`;
    return new Response(JSON.stringify({ code: "x.y", message: said, data: { issues: [{ path: [], code: "c", message: said }] } }), { status: 400 });
  };
  const { postern } = client([echo, lost, lost, lost]);
  const verification = { email, verificationCode: "918273" };
  const errors = [
    await postern.verifyCode(verification).catch((e: unknown) => e),
    await postern.verifyCode(verification).catch((e: unknown) => e),
  ];
  for (const options of [{ url: `https://x:${apiKey}@postern.internal`, apiKey }, { url: `no url ${apiKey}`, apiKey }, { url: "https://a", apiKey: `${apiKey}\n` }]) {
    try {
      errors.push(new Postern(options));
    } catch (error) {
      errors.push(error);
    }
  }
  const shown = [postern, ...errors].map((v) => inspect(v, { depth: 10, showHidden: true }) + JSON.stringify(v) + String(v)).join("\n");
  for (const secret of [apiKey, "918273", email]) assert(!shown.includes(secret), `${secret} is shown: ${shown}`);
  assert(errors.every((e) => e instanceof Error));
});

test("bad input is refused before anything is asked", async () => {
  for (const url of ["", "postern.internal:3001", "ftp://a", "https://a/?b=c", "https://a/#b"]) {
    assert.throws(() => new Postern({ url, apiKey }), TypeError, url);
  }
  for (const key of ["", " key", "key\r\nX: 1", "schlüssel"]) {
    assert.throws(() => new Postern({ url: "https://a", apiKey: key }), TypeError, key);
  }
  assert.throws(() => new Postern({ url: "https://a", apiKey, timeoutMs: 0 }), TypeError);
  const { postern, requests } = client([]);
  for (const id of ["", ".", ".."]) await assert.rejects(postern.message(id), TypeError);
  for (const wait of [0, 1.5, 31, Number.NaN]) await assert.rejects(postern.sendCode({ email }, { wait }), TypeError);
  assert.equal(requests.length, 0);
  const escaped = client([refused(404, "entity.not_found")]);
  await assert.rejects(escaped.postern.message("../api-keys?x"), PosternError);
  assert.equal(new URL(escaped.requests[0]?.url ?? "").pathname, "/behind/api/messages/..%2Fapi-keys%3Fx");
});

test("invitations are asked for as the API has it", async () => {
  const invitation = {
    id: "i1", tenantId: "default", inviterId: null, invitee: email, acceptedUserId: null, organizationId: "acme", status: "Pending",
    createdAt: 1, updatedAt: 1, expiresAt: 2, organizationRoles: [],
  };
  const json = (code: number) => status(code, JSON.stringify(invitation), { "Postern-Message-Id": "m0" });
  const { postern, requests } = client([json(201), sent, json(200), json(200), json(200)]);
  const asked = { organizationId: "acme", invitee: email, expiresAt: 2, messagePayload: { link: "https://app.example.com/join", team: "Red" } };
  assert.deepEqual(await postern.createInvitation(asked), { ...invitation, messageId: "m0" });
  assert.deepEqual(await postern.resendInvitation("i1", { link: "https://app.example.com/join", locale: "de" }), { messageId: "m1" });
  await postern.acceptInvitation("i1", "u1");
  await postern.revokeInvitation("i1");
  await postern.invitation("i1");
  const seen = await Promise.all(requests.map(async (r) => `${r.method} ${new URL(r.url).pathname.slice("/behind/api/".length)} ${await r.text()}`));
  assert.deepEqual(seen, [
    `POST organization-invitations ${JSON.stringify(asked)}`,
    'POST organization-invitations/i1/message {"link":"https://app.example.com/join","locale":"de"}',
    'PUT organization-invitations/i1/status {"status":"Accepted","acceptedUserId":"u1"}',
    'PUT organization-invitations/i1/status {"status":"Revoked"}',
    "GET organization-invitations/i1 ",
  ]);
});
