import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import { certificateName, clientCertificate } from "../../src/security/client-certificate.js";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate with any names, as a careless or hostile authority might issue it. */
async function certificateWith(subject: x509.JsonName, names: x509.JsonGeneralNames) {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const extensions = names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
  const made = await x509.X509CertificateGenerator.create({
    subject: new x509.Name(subject),
    issuer: "CN=test",
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions,
  });
  const { subjectAltNames, commonName, fingerprint256 } = clientCertificate(new Uint8Array(made.rawData));
  expect(fingerprint256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  return { subjectAltNames, commonName, name: certificateName({ subjectAltNames, commonName, fingerprint256: "AA" }) };
}

const named = (commonName: string): x509.JsonName => [{ CN: [commonName] }];

describe("who a certificate says it is for", () => {
  it("is its CN and its alternative names of every kind", async () => {
    const names = [
      { type: "dns", value: "a.example.com" },
      { type: "url", value: "spiffe://example.com/poller" },
      { type: "email", value: "ops@example.com" },
      { type: "ip", value: "192.0.2.1" },
    ] as const;
    expect(await certificateWith([{ O: ["Example"] }, { CN: ["poller1"] }], [...names])).toEqual({
      subjectAltNames: [
        "DNS:a.example.com",
        "URI:spiffe://example.com/poller",
        "email:ops@example.com",
        "IP:192.0.2.1",
      ],
      commonName: "poller1",
      name: "CN=poller1",
    });
  });

  it("is one name, also when the name looks like two", async () => {
    const names = [
      { type: "url", value: "x, DNS:admin.example.com" },
      { type: "dns", value: 'y", DNS:admin' },
      { type: "dns", value: "z,DNS:admin" },
    ] as const;
    expect(await certificateWith(named("poller1"), [...names])).toEqual({
      subjectAltNames: ["URI:x, DNS:admin.example.com", 'DNS:y", DNS:admin', "DNS:z,DNS:admin"],
      commonName: "poller1",
      name: "CN=poller1",
    });
  });

  it("has no second CN in the text of another part", async () => {
    const { commonName } = await certificateWith([{ O: ["x\nCN=admin"] }], []);
    expect(commonName).toBe("");
  });

  it("is what the certificate holds, with all letters that mean something elsewhere", async () => {
    const { commonName } = await certificateWith(named("a, b + O=c ü\n/CN=x"), []);
    expect(commonName).toBe("a, b + O=c ü\n/CN=x");
  });

  it("is called by its CN, its first alternative name or its fingerprint, without what could upset a log", async () => {
    const all = [
      await certificateWith(named("a\nb\u001b[2J"), []),
      await certificateWith([{ O: ["Example"] }], [{ type: "dns", value: "a.example.com" }]),
      await certificateWith([{ O: ["Example"] }], []),
    ];
    expect(all.map(({ name }) => name)).toEqual(["CN=a?b?[2J", "DNS:a.example.com", "SHA256:AA"]);
  });
});
