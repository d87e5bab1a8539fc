import { defineConfig } from "vitest/config";

// Units import src/ and need no build. Everything else runs what was built: dist/ and bin/nscp.js.
const builtSuites = [
  "test/integration/**/*.test.ts",
  "test/peers/**/*.test.ts",
  "test/crash/**/*.test.ts",
  "test/e2e/**/*.test.ts",
];

export default defineConfig({
  test: {
    // Tests of processes share two cores with what they start.
    pool: "forks",
    poolOptions: { forks: { maxForks: 2 } },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...builtSuites, "**/node_modules/**"],
        },
      },
      {
        test: {
          name: "built",
          include: builtSuites,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
