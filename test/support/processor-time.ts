/**
 * How much work something is, whoever else has work for the processors meanwhile: for tests that nothing takes long by its nature.
 */

/** Starts to measure; the function it returns tells the milliseconds of processor time that this process has used since. */
export function processorTime(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  };
}
