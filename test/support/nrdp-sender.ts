import { writeXmlDocument } from "../../src/wire/nrdp/xml-document.js";

/**
 * Sends a good result of the host `server` to NRDPServer, without TLS on the loopback interface.
 *
 * @returns the status of HTTP and the message of NRDP
 */
export async function postNrdp(port: number, token: string, service: string): Promise<string> {
  const result = { type: "service", hostname: "server", servicename: service, state: 0, output: "fine" } as const;
  const body = new URLSearchParams({
    token,
    cmd: "submitcheck",
    xml: writeXmlDocument([{ ...result, time: undefined }]),
  });
  const answer = await fetch(`http://127.0.0.1:${port}/nrdp/`, { method: "POST", body });
  return `${answer.status} ${/<message>(.*)<\/message>/.exec(await answer.text())?.[1]}`;
}
