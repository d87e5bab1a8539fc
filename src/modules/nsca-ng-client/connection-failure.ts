/** What a failed connection says, and what it means to the person who reads it. The first that fits counts. */
const meanings: readonly [RegExp, string][] = [
  [/ECONNREFUSED/, "connection refused"],
  [/EHOSTUNREACH|ENETUNREACH/, "there is no route to it"],
  [/ETIMEDOUT/, "the connection timed out"],
  [/ENOTFOUND|EAI_AGAIN/, "the name does not resolve"],
  [/alert unknown psk identity|UNKNOWN_PSK_IDENTITY/i, "it does not know the identity"],
  [/alert (?:bad record mac|decrypt error|illegal parameter)/, "the password is not the server's"],
  [
    /alert handshake failure/,
    "it refuses the handshake; it does not know the identity, or has none of the cipher suites",
  ],
  [/wrong version number|packet length too long/, "it does not speak TLS"],
  [/alert protocol version|unsupported protocol|no protocols available/, "it does not speak this version of TLS"],
  [/certificate has expired/, "its certificate has expired"],
  [/does not match certificate's altnames/, "its certificate is for another name"],
  [
    /unable to verify|unable to get (?:local )?issuer|self-signed certificate/,
    "its certificate is not trusted; name the authority that issued it as ca",
  ],
  [/alert unknown ca/, "it does not trust the client certificate"],
  [/disconnected before secure TLS|ECONNRESET|EPIPE|socket hang up/, "it closed the connection"],
];

/** The text of a socket's or a handshake's error for people. */
export function connectionFailure(error: Error): string {
  const text = `${(error as NodeJS.ErrnoException).code ?? ""} ${error.message}`;
  return meanings.find(([pattern]) => pattern.test(text))?.[1] ?? error.message;
}
