// The client on a running service, POSTERN_URL, with a management key,
// POSTERN_API_KEY, and the built-in inbox as its connector.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Postern, PosternError } from "postern-client";

import { explain, handOver, invite, languages } from "../examples/more.js";
import { checkCode, sendCode } from "../examples/sign-in.js";

const url = process.env["POSTERN_URL"] ?? "";
const apiKey = process.env["POSTERN_API_KEY"] ?? "";
assert(url && apiKey, "POSTERN_URL and POSTERN_API_KEY must name a running service and a management key of it");
const postern = new Postern({ url, apiKey });

/** An address that no other test writes to. */
let addresses = 0;
const someone = () => `ann-${Date.now()}-${addresses++}@example.com`;

const refusal = async (call: Promise<unknown>): Promise<PosternError> => {
  const error = await call.then(() => undefined, (e: unknown) => e);
  assert(error instanceof PosternError, String(error));
  return error;
};

/** Reads the code of the newest mail to an address, as soon as it is there. */
async function newestCode(to: string): Promise<string> {
  for (;;) {
    const { data: mails } = await postern.api.GET("/api/inbox", { params: { query: { to } } });
    const id = mails?.[0]?.id;
    if (id) {
      const { data: mail } = await postern.api.GET("/api/inbox/{id}", { params: { path: { id } } });
      const code = /\b\d{6}\b/.exec((mail as { text?: string }).text ?? "")?.[0];
      assert(code, "no code in the mail");
      return code;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("a code is sent, read and verified once", { timeout: 60_000 }, async () => {
  const email = someone();
  await sendCode(email, "s1", "de-CH en");
  const code = await newestCode(email);
  assert.equal(await checkCode(email, "s2", code), "ask for a new code");
  assert.equal(await checkCode(email, "s1", `x${code}`), "not the right code: try again");
  assert.equal(await checkCode(email, "s1", code), "signed in");
  assert.equal(await checkCode(email, "s1", code), "ask for a new code");
});

test("a wrong code is a typed error", async () => {
  const email = someone();
  const { messageId } = await postern.sendCode({ email, type: "Register", payload: { application: { name: "Acme" } } }, { wait: 30 });
  const message = await postern.message(messageId);
  assert.equal(message.status, "sent");
  assert.equal(message.to, email);
  assert.equal(message.attempts[0]?.outcome, "sent");
  const error = await refusal(postern.verifyCode({ email, type: "Register", verificationCode: "x" }));
  assert.equal(error.status, 400);
  assert.equal(error.code, "verification_code.code_mismatch");
  assert(error.requestId);
});

test("bad input is a typed error with the field", async () => {
  const error = await refusal(postern.sendCode({ email: "nobody" }));
  assert.equal(error.status, 400);
  assert.equal(error.code, "guard.invalid_input");
  assert.deepEqual(error.issues[0]?.path, ["email"]);
  assert.match(await explain(postern, "nobody"), /^email: ./);
});

test("an unknown key and an unknown message are typed errors", async () => {
  const stranger = new Postern({ url, apiKey: "pk_unknown" });
  assert.equal((await refusal(stranger.sendCode({ email: someone() }))).code, "auth.unauthorized");
  assert.equal((await refusal(postern.message("nothing"))).code, "entity.not_found");
});

test("a mail is handed over once for one key", async () => {
  const mail = { to: someone(), type: "SignIn", payload: { code: "123456" } } as const;
  const first = await postern.sendMessage(mail, { idempotencyKey: `job-${Date.now()}` });
  assert.equal(first.status, "accepted");
  const idempotencyKey = `job-${first.id}`;
  const again = [await postern.sendMessage(mail, { idempotencyKey }), await postern.sendMessage(mail, { idempotencyKey })];
  assert.deepEqual(again[0], again[1]);
  assert.equal(await handOver(postern), "sent");
});

test("every operation is there, typed", async () => {
  assert.equal(await languages(postern), "en");
});

test("the recipient's limit is a typed error with its time", async () => {
  const email = someone();
  for (let i = 0; i < 10; i++) await postern.sendCode({ email });
  const error = await refusal(postern.sendCode({ email }));
  assert.equal(error.status, 429);
  assert.equal(error.code, "request.message_rate_limited");
  assert((error.retryAfter ?? 0) > 0);
});

test("an invitation is made, sent again and revoked", async () => {
  const response = await fetch(new URL("/api/organizations", url), {
    method: "POST",
    headers: { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Acme" }),
  });
  const { id } = (await response.json()) as { id: string };
  const revoked = await invite(postern, id);
  assert.equal(revoked.status, "Revoked");
  assert.equal(revoked.organizationId, id);
  assert.deepEqual(await postern.invitation(revoked.id), revoked);
  assert.equal((await refusal(postern.acceptInvitation(revoked.id, "u1"))).status, 422);
});
