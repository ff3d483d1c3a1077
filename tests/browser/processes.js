// Processes that die with the test that started them.

import { spawn } from "node:child_process";

/** All processes that were started, which die with this one. */
const started = new Set();
process.on("exit", () => started.forEach(killGroup));

/** Kills a process and those that it started. */
export function killGroup(child) {
  started.delete(child);
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** Starts a process in a group of its own, which the kernel kills if this process is killed. */
export function start(command, args, options) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", command, ...args], { detached: true, ...options });
  started.add(child);
  return child;
}

/** Whether a process was started and not yet killed. */
export function isRunning(child) {
  return started.has(child);
}
