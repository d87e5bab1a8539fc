// Loaded into a gateway by `node --expose-gc --import`: at SIGUSR2 it collects garbage and says what is still there.
let count = 0;

process.on("SIGUSR2", () => {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.stderr.write(`memory-probe ${++count} ${JSON.stringify({ heapUsed, external, rss })}\n`);
});
