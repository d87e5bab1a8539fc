import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { encodeFrame, FrameDecoder } from "../../dist/script-host/frame.js";
import { packageRoot, startGateway } from "../support/gateway-process.js";
import { type Harness, startScripts } from "../support/script-harness.js";

/** The fenced blocks of a page in the given language. */
function blocks(file: string, language: string): string[] {
  const text = readFileSync(join(packageRoot, file), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((match) => match[1] ?? "");
}

let harness: Harness | undefined;

afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

describe("the guide for scripts", () => {
  it("has a first check and settings that work as they are written", async () => {
    const [source = ""] = blocks("docs/scripts-typescript.md", "ts");
    const settings = blocks("docs/scripts-typescript.md", "ini").join("\n");
    const gateway = await startGateway({
      settings,
      files: { "scripts/node/check_load.ts": source },
      certificates: false,
    });
    try {
      const { code, stdout } = await gateway.nscp("client", "--query", "check_load", "1000", "2000");
      expect([code, stdout.replace(/\d+(\.\d+)?/g, "n")]).toEqual([0, "Load is n|'load'=n;n;n\n"]);
    } finally {
      await gateway.stop();
    }
  });

  it("has a check with a signal that works", async () => {
    const [, source = ""] = blocks("docs/scripts-typescript.md", "ts");
    harness = await startScripts({
      "page.ts": `import { Registry, status } from "nscp-gateway/script";
        export function init(id: number) { const registry = Registry.get(id); ${source} }`,
    });
    expect(await harness.query("check_page", "data:text/plain,hello")).toEqual([0, "200 for local", ""]);
  });

  it("has an inventory by message that works", async () => {
    const [, , source = ""] = blocks("docs/scripts-typescript.md", "ts");
    const script = `import { itemType, log, Registry } from "nscp-gateway/script";
      export async function init(id: number) {
        const registry = Registry.get(id);
        registry.simpleFunction("check_listed", () => 0, "Stands in the list");
        ${source}
      }`;
    const gateway = await startGateway({
      settings: "[/modules]\nNodeScript = enabled\n[/settings/node/scripts]\nlisted =\n",
      files: { "scripts/node/listed.ts": script },
      certificates: false,
    });
    try {
      expect(gateway.log).toContain('"check_listed: Stands in the list"');
    } finally {
      await gateway.stop();
    }
  });
});

it("the module's page has settings that load the sample", async () => {
  const gateway = await startGateway({
    settings: blocks("src/modules/node-script/README.md", "ini").join("\n"),
    arguments: ["--path-override", `scripts=${join(packageRoot, "scripts")}`],
    certificates: false,
  });
  try {
    const words = ["--path-override", `scripts=${join(packageRoot, "scripts")}`];
    const { code, stdout } = await gateway.nscp("client", "--query", "check_sample", "a", ...words);
    expect([code, stdout]).toEqual([0, "I was given 1 arguments|'arguments'=1;5\n"]);
    expect(gateway.log).not.toContain("error");
  } finally {
    await gateway.stop();
  }
});

it("the protocol's page has a frame that can be read", () => {
  const [head = ""] = blocks("docs/script-host-protocol.md", "json");
  const texts = (JSON.parse(head) as unknown[]).map((message) => JSON.stringify(message));
  const received = new FrameDecoder().push(encodeFrame(texts, [new Uint8Array(3)]));
  expect(received.map(({ raw }) => raw?.length)).toEqual([undefined, 3]);
});
