import { defineConfig } from "vitest/config";
import { lackOf, python } from "./test/peers/peers.js";
import { MissingPeers } from "./test/support/missing-peers.js";

// Units import src/ and need no build. Everything else runs what was built: dist/ and bin/nscp.js.
const builtSuites = [
  "test/integration/**/*.test.ts",
  "test/peers/**/*.test.ts",
  "test/crash/**/*.test.ts",
  "test/fuzz/**/*.test.ts",
  "test/e2e/**/*.test.ts",
];

// What is JavaScript already is imported as it is: to transform it for every file of tests took a fifth of the whole time.
const loadedByNode = { deps: { external: [/\/dist\//, /\/src\/wire\/generated\//] } };

// Nothing in these can be shown without an interpreter. What else needs it, or more than it, asks with needPeer.
const pythonSuites = "test/integration/python-*.test.ts";
const pythonLack = lackOf(python);

export default defineConfig({
  test: {
    // Tests of processes share two cores with what they start.
    pool: "forks",
    poolOptions: { forks: { maxForks: 2 } },
    // What is skipped for one reason is told once.
    hideSkippedTests: true,
    reporters: [
      "default",
      new MissingPeers(pythonLack === undefined ? {} : { built: `${pythonSuites} left out: ${pythonLack}` }),
    ],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...builtSuites, "**/node_modules/**"],
          server: loadedByNode,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "built",
          include: builtSuites,
          exclude: [...(pythonLack === undefined ? [] : [pythonSuites]), "**/node_modules/**"],
          server: loadedByNode,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
