import { Postern, PosternError } from "postern-client";

const postern = new Postern({
  url: process.env["POSTERN_URL"] ?? "https://postern.internal:3001",
  apiKey: process.env["POSTERN_API_KEY"] ?? "",
});

export async function sendCode(email: string, session: string, languages: string) {
  await postern.sendCode({ email, type: "SignIn", sessionId: session, uiLocales: languages });
}

export async function checkCode(email: string, session: string, typed: string) {
  try {
    await postern.verifyCode({ email, type: "SignIn", sessionId: session, verificationCode: typed });
    return "signed in";
  } catch (error) {
    if (!(error instanceof PosternError)) throw error; // no answer at all
    switch (error.code) {
      case "verification_code.code_mismatch":
        return "not the right code: try again";
      case "verification_code.expired":
      case "verification_code.not_found":
      case "verification_code.exceed_max_try":
        return "ask for a new code";
      case "session.verification_blocked_too_many_attempts":
        return "too many wrong codes: come back later";
      default:
        throw error;
    }
  }
}
