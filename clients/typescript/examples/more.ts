import { Postern, PosternError } from "postern-client";

export async function handOver(postern: Postern) {
  // Waits up to 30 seconds for the provider's first verdict.
  const { id } = await postern.sendMessage(
    { to: "ann@example.com", type: "SignIn", payload: { code: "123456", locale: "de" } },
    { wait: 30 },
  );
  const message = await postern.message(id);
  return message.status; // "sent", or "accepted" while it is on its way
}

export async function explain(postern: Postern, email: string) {
  try {
    await postern.sendCode({ email });
    return "sent";
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    if (error.status === 429) return `come again in ${error.retryAfter ?? 60} seconds`;
    return error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n");
  }
}

export async function invite(postern: Postern, organizationId: string) {
  const week = 7 * 24 * 60 * 60 * 1000;
  const link = "https://app.example.com/join?invitation=x7f";
  const invitation = await postern.createInvitation({
    organizationId,
    invitee: "ann@example.com",
    expiresAt: Date.now() + week,
    messagePayload: { link, locale: "de" },
  });
  await postern.resendInvitation(invitation.id, { link, locale: "en" });
  return postern.revokeInvitation(invitation.id);
}

export async function languages(postern: Postern) {
  const { data, error } = await postern.api.GET("/api/sign-in-exp");
  if (error) throw new Error(error.message);
  return data.languageInfo.fallbackLanguage;
}
