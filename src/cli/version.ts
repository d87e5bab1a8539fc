import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../gateway/embedded-default.js";

/** `nscp-gateway, Version: 0.1.0, Platform: linux-x64` */
export function versionText(): string {
  const { name, version }: { name: string; version: string } = JSON.parse(
    readFileSync(join(packageRoot, "package.json"), "utf8"),
  );
  return `${name}, Version: ${version}, Platform: ${process.platform}-${process.arch}\n`;
}
